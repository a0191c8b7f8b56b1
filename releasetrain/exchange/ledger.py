"""Who may read the audit trail."""

from __future__ import annotations

from releasetrain.kernel.actor import Actor
from releasetrain.kernel.refusals import refuse


def require_reader(actor: Actor) -> None:
    """Refuse (403) whoever lacks the permission to read the audit trail."""
    if not actor.may("audit.read"):
        refuse(
            "permission.missing",
            "You need the permission audit.read to read the audit trail.",
            remedy="An organization owner can grant you a role that carries it, e.g. Auditor.",
            status=403,
        )
