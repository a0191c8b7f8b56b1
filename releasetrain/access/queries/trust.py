"""Trust rules: how they were used, and what they say to some claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Count, Max

from releasetrain.access.models import TrustRule
from releasetrain.access.rules.claims import most_exact
from releasetrain.access.workload import Trial, demand_of, trial
from releasetrain.accounts.models import ApiToken
from releasetrain.interface.links import slug_of
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.scope import require_scope


@dataclass(frozen=True)
class Tried:
    """What all rules say, and the one that would take the token."""

    trials: list[Trial]
    rule: TrustRule | None
    ambiguous: bool


def require_manager(actor: Actor) -> None:
    if not actor.may("tokens.manage"):
        refuse(
            "permission.missing",
            "You need the permission tokens.manage for this.",
            remedy="An organization owner can grant you a role that carries it.",
            status=403,
        )


def tried(claims: Mapping[str, Any]) -> Tried:
    """Try claims against every rule of the organization."""
    trials = [
        trial(rule, claims) for rule in TrustRule.objects.select_related("service_account").order_by("name")
    ]
    taking = {str(each.rule.pk): each.rule for each in trials if each.takes}
    chosen = most_exact([(name, demand_of(rule)) for name, rule in taking.items()])
    return Tried(trials, taking.get(chosen or ""), bool(taking) and chosen is None)


def uses() -> dict[Any, dict[str, Any]]:
    """For each rule: how often an access was given in the last 30 days, and when last."""
    rows = (
        ApiToken.objects.filter(organization_id=require_scope().organization_id, trust_rule__isnull=False)
        .values("trust_rule")
        .annotate(count=Count("id"), last=Max("created_at"), used=Max("last_used_at"))
    )
    return {row["trust_rule"]: row for row in rows}


def accesses(rule: TrustRule, most: int = 30) -> list[ApiToken]:
    """The last accesses that the rule gave."""
    return list(
        ApiToken.objects.filter(organization_id=rule.organization_id, trust_rule=rule.pk).order_by(
            "-created_at"
        )[:most]
    )


def audience() -> str:
    """The audience to ask for: this organization of this installation, and no other."""
    return f"{settings.PUBLIC_URL}/o/{slug_of(require_scope().organization_id)}"
