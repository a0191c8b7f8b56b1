"""The permission check of bulk writes, which pass beside the doorway's one-object checks."""

from __future__ import annotations

from typing import Any

from releasetrain.kernel.actor import Actor
from releasetrain.kernel.refusals import refuse


def require_permission(actor: Actor, permission: str, on: Any = None) -> None:
    """Refuse unless the actor holds the permission on the object, or on the whole organization."""
    if not actor.may(permission, on):
        refuse(
            "permission.missing",
            f"You need the permission {permission} for this.",
            remedy="An organization owner can grant you a role that carries it.",
            status=403,
        )
