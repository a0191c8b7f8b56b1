"""The faces of the board's own objects: its policy, and the links of wall screens."""

from __future__ import annotations

from planning.models import BoardPolicy, WallLink
from releasetrain.interface.resources import Resource, register

register(
    Resource(
        BoardPolicy,
        plural="board-policies",
        section="board",
        icon="board",
        columns=("train", "same_iteration", "min_slack"),
        filters=("train",),
        order=("train__key",),
        description="A train without one judges delivery in the needing iteration as a conflict.",
    )
)
register(
    Resource(
        WallLink,
        plural="wall-links",
        section="board",
        icon="eye",
        columns=("name", "train", "seconds", "created_at", "expires_at", "revoked_at"),
        filters=("train",),
        search=("name",),
        order=("-created_at",),
        hidden=("secret_hash",),
        description="Set one up: a read-only address for a screen on the wall, without a login, revocable.",
    )
)
