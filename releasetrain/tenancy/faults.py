"""Faults that pass: the database ended a transaction for another's sake, or was away for a moment."""

from __future__ import annotations

from django.db import InterfaceError, InternalError, OperationalError

RETRY_AFTER = 1

# PostgreSQL, Appendix A: class 40 transaction rollback (deadlock, serialization), 08 connection exception, 57P the
# server ends or starts, 55P03 a lock was waited for too long, 25006 a server that is only read from.
_PASSING = ("40", "08", "57P", "55P03", "25006")


def passes(error: BaseException | None) -> bool:
    """Whether the same request may simply be sent again: its transaction is gone, nothing was changed."""
    if isinstance(error, InterfaceError):
        return True
    if not isinstance(error, OperationalError | InternalError):
        return False
    code = getattr(error.__cause__, "pgcode", None)
    # Without a code nobody answered: the server was away.
    return code.startswith(_PASSING) if code else isinstance(error, OperationalError)
