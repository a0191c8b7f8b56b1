"""The faces of sign-in: the organization's provider, and people and groups as the directory knows them."""

from __future__ import annotations

from releasetrain.exchange.models import DirectoryGroup, Identity, IdentityProvider
from releasetrain.exchange.pages.identity import group_page, provider_page
from releasetrain.interface.resources import Resource, register

register(
    Resource(
        IdentityProvider,
        plural="identity-providers",
        section="settings",
        icon="key",
        columns=("name", "issuer", "directory_since", "disabled_at"),
        order=("disabled_at", "name"),
        hidden=("sealed_secret", "directory_hash"),
        requires="organization.manage",
        template="organization/identity_provider.html",
        context=provider_page,
        description="The organization's own sign-in and its directory.",
    )
)
register(
    Resource(
        Identity,
        plural="identities",
        section="settings",
        icon="user",
        columns=("user_name", "user", "active", "directory", "signed_in_at", "removed_at"),
        filters=("active", "directory"),
        search=("user_name", "external_id"),
        order=("user_name",),
        hidden=("given",),
        requires="members.manage",
        description="People as the organization's provider and directory know them.",
    )
)
register(
    Resource(
        DirectoryGroup,
        plural="directory-groups",
        section="settings",
        icon="user",
        columns=("name", "external_id", "changed_at", "removed_at"),
        search=("name",),
        order=("name",),
        requires="members.manage",
        template="organization/directory_group.html",
        context=group_page,
        description="Groups that the organization's directory keeps.",
    )
)
