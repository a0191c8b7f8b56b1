"""The face of trust rules."""

from __future__ import annotations

from releasetrain.access import actions  # noqa: F401 - the verbs come with their faces
from releasetrain.access.models import TrustRule
from releasetrain.access.pages.workload import rule_page
from releasetrain.interface.resources import Resource, register

register(
    Resource(
        TrustRule,
        plural="trust-rules",
        section="settings",
        icon="key",
        columns=("name", "system", "service_account", "must_say", "disabled_at"),
        filters=("system", "service_account"),
        search=("name", "issuer", "service_account__name"),
        order=("name",),
        requires="tokens.manage",
        template="access/trust_rule.html",
        context=rule_page,
        description="Pipelines that act by their own ID token, without a stored secret.",
    )
)
