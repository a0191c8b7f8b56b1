"""Which fixes are confined to a staged path: the facts of one fix by itself, before anything else is in its release."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from planning.models import Feature
from problems.models import Incident, IncidentService, Problem
from problems.rules.fix_risk import Facts, staged_because
from trains.models import Contract, ScopeItem, Service

from .claims import SOURCE
from .fix_packaging import affected_services

INCIDENT, FEATURE = "incident", "feature"


def why_staged(kind: str, pk: UUID, tier: int, hurried: bool) -> str:
    """Why the fix of this problem or incident, or the feature made from one, is confined to a staged path; else empty."""
    facts = facts_of_fix(kind, pk, tier, hurried)
    return staged_because(facts) if facts else ""


def facts_of_fix(kind: str, pk: UUID, tier: int, hurried: bool) -> Facts | None:
    """What the risk of the fix is made of; None for what corrects no defect of production."""
    if kind == FEATURE:
        rows = Feature.objects.filter(pk=pk, source_kind__in=(SOURCE, INCIDENT), source_id__isnull=False)
        made_from = rows.values_list("source_kind", "source_id").first()
        return facts_of_fix(*made_from, tier, hurried) if made_from else None
    defect: Problem | Incident | None
    if kind == SOURCE:
        problem = Problem.objects.filter(pk=pk).select_related("service").first()
        if problem is None:
            return None
        defect, services, came_back = problem, affected_services([problem]), problem.reopened_count > 0
    elif kind == INCIDENT:
        defect = Incident.objects.filter(pk=pk).first()
        if defect is None:
            return None
        touched = IncidentService.objects.filter(incident=defect).values("service_id")
        services, came_back = list(Service.objects.filter(pk__in=touched)), False
    else:
        return None
    ids = [s.pk for s in services]
    relying = Contract.objects.filter(provider__in=ids, retired_at__isnull=True).exclude(consumer__in=ids)
    return Facts(
        severity=defect.severity,
        tier=min([tier, *(s.tier for s in services)]),
        services=len(services),
        problems=1,
        came_back=int(came_back),
        emergency=hurried,
        reaches=relying.values("consumer").distinct().order_by().count(),
    )


def items_of_defect(kind: str, pk: UUID) -> Iterable[ScopeItem]:
    """Unmarked items that fix this defect, themselves or by a feature made from it; not those whose marker was lifted."""
    features = Feature.objects.filter(source_kind=kind, source_id=pk).values("pk")
    rows = ScopeItem.objects.filter(removed_at__isnull=True, canary=False, canary_lifted_at__isnull=True)
    direct = rows.filter(source_kind=kind, source_id=pk)
    planned = rows.filter(source_kind=FEATURE, source_id__in=features)
    return (direct | planned).select_related("release__train").order_by("created_at", "id")
