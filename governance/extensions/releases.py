"""What governance plugs into the content of releases: checks, the emergency change of a frozen scope, fresh verdicts."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from governance.actions.scope_authority import frozen_scope_needs_its_change
from governance.checks import releases  # noqa: F401 - registers its check kinds
from governance.gates import invalidate
from releasetrain.audit.doorway import register_effect, register_guard
from releasetrain.kernel.actor import Actor
from trains.models import CompatibilityRule, Contract, Deployment, SkewLimit

register_guard("release.add_item", frozen_scope_needs_its_change)


def requirement_changed(actor: Actor, about: Any, params: dict[str, Any]) -> None:
    """A requirement concerns the builds of both services."""
    if isinstance(about, CompatibilityRule):
        invalidate(service=about.requires_id)


def limit_changed(actor: Actor, about: Any, params: dict[str, Any]) -> None:
    """A limit without a service concerns every build."""
    if isinstance(about, SkewLimit) and about.service_id is None:
        invalidate(organization=True)


def neighbours_changed(actor: Actor, about: Any, params: dict[str, Any]) -> None:
    """What runs of a service is a fact about whoever relies on it, and about whatever it relies on."""
    if not isinstance(about, Deployment):
        return
    own = about.service_id
    pairs = [
        *Contract.objects.filter(Q(consumer=own) | Q(provider=own), retired_at__isnull=True).values_list(
            "consumer_id", "provider_id"
        ),
        *CompatibilityRule.objects.filter(
            Q(service=own) | Q(requires=own), retired_at__isnull=True
        ).values_list("service_id", "requires_id"),
    ]
    for neighbour in {each for pair in pairs for each in pair} - {own}:
        invalidate(service=neighbour)


for _verb in ("create", "edit", "retire"):
    register_effect(f"compatibility_rule.{_verb}", requirement_changed)
    register_effect(f"skew_limit.{_verb}", limit_changed)
for _verb in ("record", "finish", "roll_back"):
    register_effect(f"deployment.{_verb}", neighbours_changed)
