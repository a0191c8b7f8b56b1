"""Who reviews whose access, and what becomes of what nobody reviewed. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

REVOKE, FLAG = "revoke", "flag"


def reviewer_of(
    holder: uuid.UUID,
    scope: uuid.UUID,
    by_scope: Mapping[uuid.UUID, uuid.UUID],
    first: uuid.UUID,
    second: uuid.UUID | None,
) -> uuid.UUID | None:
    """The scope's reviewer, else the first, else the second: whoever comes first and is not the holder."""
    for candidate in (by_scope.get(scope), first, second):
        if candidate is not None and candidate != holder:
            return candidate
    return None


def outcome(lapse: str, *, ended: bool, last_owner: bool) -> str:
    """What is noted of a grant that nobody reviewed. An organization is never left without an owner."""
    if ended:
        return "gone"
    return "lapsed" if lapse == REVOKE and not last_owner else "flagged"
