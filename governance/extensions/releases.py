"""What governance plugs into the content of releases: checks, the emergency change of a frozen scope, fresh verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q

from governance.actions.scope_authority import frozen_scope_needs_its_change
from governance.checks import releases  # noqa: F401 - registers its check kinds
from governance.gates import count_changes, invalidate
from releasetrain.audit.doorway import register_effect, register_guard
from releasetrain.audit.wholesale import Done, effect_of_many
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
    count_changes(_neighbours({about.service_id}))


def neighbours_of_many_changed(done: Sequence[Done]) -> None:
    """The same for many: each neighbour once."""
    count_changes(_neighbours({each.about.service_id for each in done if isinstance(each.about, Deployment)}))


def _neighbours(services: set[UUID]) -> set[UUID]:
    """Services that rely on one of these, or that one of these relies on."""
    pairs = [
        *Contract.objects.filter(
            Q(consumer__in=services) | Q(provider__in=services), retired_at__isnull=True
        ).values_list("consumer_id", "provider_id"),
        *CompatibilityRule.objects.filter(
            Q(service__in=services) | Q(requires__in=services), retired_at__isnull=True
        ).values_list("service_id", "requires_id"),
    ]
    return {there for here, there in pairs if here in services and here != there} | {
        here for here, there in pairs if there in services and here != there
    }


for _verb in ("create", "edit", "retire"):
    register_effect(f"compatibility_rule.{_verb}", requirement_changed)
    register_effect(f"skew_limit.{_verb}", limit_changed)
for _verb in ("record", "finish", "roll_back"):
    register_effect(f"deployment.{_verb}", neighbours_changed)
effect_of_many(neighbours_changed, neighbours_of_many_changed)
