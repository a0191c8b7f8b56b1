"""The page of rollback authorisation: who may order what, and how quickly services came back."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from governance.models import Control, RollbackRule
from governance.queries import rollbacks as queries
from releasetrain.audit.doorway import actions
from releasetrain.interface import links
from releasetrain.interface.pages import page
from trains.models import Service
from trains.rules import rollback_thresholds as rules

SHOWN = 50


@require_safe
def rollbacks(request: HttpRequest) -> HttpResponse:
    """Authorisations by tier and service, services without one, and the orders with their times."""
    found = list(
        RollbackRule.objects.filter(retired_at__isnull=True)
        .select_related("service")
        .order_by("tier", "service__name")
    )
    tiers = {r.tier for r in found if r.tier}
    own = {r.service_id for r in found if r.service_id}
    bare = Service.objects.exclude(tier__in=tiers).exclude(pk__in=own).order_by("tier", "name")
    orders = list(queries.orders()[:SHOWN])
    create = actions()["rollback_rule.create"]
    return page(
        request,
        "governance/rollbacks.html",
        {
            "section": "rollbacks",
            "rules": [rule_lines(rule) for rule in found],
            "bare": list(bare[:SHOWN]),
            "bare_count": bare.count(),
            "orders": orders,
            "in_time": sum(o.in_time is True for o in orders),
            "late": sum(o.in_time is False for o in orders),
            "create": create.decide(request.actor),  # type: ignore[attr-defined]
            "create_url": links.verb_url(create),
            "root": links.page_root(),
        },
    )


def rule_lines(rule: RollbackRule) -> dict[str, Any]:
    """An authorisation in words; its controls are linked where the catalogue knows them."""
    known = {c.code: c for c in Control.objects.filter(code__in=rule.controls)} if rule.controls else {}
    return {
        "rule": rule,
        "who": queries.names(rule.roles),
        "fallback_who": queries.names(rule.fallback_roles) if rule.fallback_roles else "",
        "thresholds": [str(rules.stored(row)) for row in rule.thresholds],
        "controls": [(said, known.get(said)) for said in rule.controls],
    }
