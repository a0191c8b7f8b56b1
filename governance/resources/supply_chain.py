"""The faces of advisories, the licence policy and builders' keys."""

from __future__ import annotations

from governance.models import Advisory, BuilderKey, LicencePolicy
from releasetrain.interface import navigation
from releasetrain.interface.resources import Resource, register

register(
    Resource(
        Advisory,
        plural="advisories",
        section="gates",
        icon="alert",
        columns=("identifier", "title", "severity", "published_at", "withdrawn_at", "source"),
        filters=("severity", "source"),
        search=("identifier", "title"),
        order=("-received_at", "-id"),
        description="Post a feed of published vulnerabilities; what is deployed is matched with it.",
    )
)
register(
    Resource(
        LicencePolicy,
        plural="licence-policies",
        section="gates",
        icon="file",
        columns=("name", "unknown", "retired_at", "created_at"),
        search=("name",),
        order=("retired_at", "name", "id"),
        description="Say which licences components may have.",
    )
)
register(
    Resource(
        BuilderKey,
        plural="builder-keys",
        section="gates",
        icon="lock",
        columns=("name", "algorithm", "fingerprint", "builder", "retired_at"),
        search=("name", "fingerprint", "builder"),
        order=("retired_at", "name", "id"),
        description="Register the public keys that provenance is signed with.",
    )
)
navigation.register(
    navigation.Place(
        "components", "Components", "search", "components/where/", 131, "Assure", "Where is this library?"
    )
)
