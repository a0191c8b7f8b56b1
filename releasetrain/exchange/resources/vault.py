"""The face of Vault: where it is, and whether it answers."""

from __future__ import annotations

from releasetrain.exchange.models import VaultServer
from releasetrain.interface.resources import Resource, register

register(
    Resource(
        VaultServer,
        plural="vault-servers",
        section="integrations",
        icon="vault",
        columns=("name", "url", "enabled", "asked_at", "last_error"),
        search=("name", "url"),
        order=("name",),
        hidden=("sealed_token",),
        description="Vault says when secrets were rotated; no secret is read.",
    )
)
