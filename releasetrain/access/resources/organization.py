"""The faces of invitations."""

from __future__ import annotations

from releasetrain.access import actions  # noqa: F401 - the verbs come with their faces
from releasetrain.access.models import Invitation
from releasetrain.interface.resources import Resource, register

register(
    Resource(
        Invitation,
        plural="invitations",
        section="settings",
        icon="user",
        columns=("email", "role", "scope", "state", "mail", "expires_at", "invited_by"),
        filters=("state", "role", "mail"),
        search=("email",),
        order=("-created_at",),
        hidden=("lease", "claimed_until", "number", "attempts"),
        requires="members.manage",
        description="Who was asked by mail to join, and in which role.",
    )
)
