"""The faces of invitations and archives."""

from __future__ import annotations

from releasetrain.access import actions  # noqa: F401 - the verbs come with their faces
from releasetrain.access.models import Invitation, OrganizationArchive
from releasetrain.access.pages.archives import archive_page
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
register(
    Resource(
        OrganizationArchive,
        plural="organization-archives",
        section="settings",
        icon="vault",
        columns=("key", "state", "rows", "size", "asked_by", "finished_at", "expires_at"),
        filters=("state",),
        search=("key", "reason"),
        order=("-created_at",),
        hidden=("lease", "claimed_until", "manifest"),
        requires="organization.manage",
        template="access/archive.html",
        context=archive_page,
        description="Exports of everything that the organization has here.",
    )
)
