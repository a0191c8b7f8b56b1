"""Defects against what was changed: the rows behind the stability index (M9)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import QuerySet

from metrics.queries.dora import Wanted, _filters
from metrics.queries.outcomes import HARM, ended
from metrics.queries.rollup import groups_of, rolled
from metrics.rules.dora import Purpose
from metrics.rules.periods import Bucket, Period
from metrics.rules.rollup import OF_NEW
from problems.models import FailureLink, Problem, ProblemIncident
from trains.models import Release, ScopeItem


@dataclass(frozen=True, slots=True)
class Defect:
    """An incident that deployments caused, or a problem that was found otherwise."""

    kind: str
    id: uuid.UUID
    label: str
    at: datetime
    service: str


@dataclass(frozen=True, slots=True)
class Changed:
    """Lines that reached production for the first time, by service and month; `unsized` commits have no count of lines."""

    service: str
    lines: int
    commits: int
    unsized: int
    month: date


def defects(period: Period, wanted: Wanted) -> list[Defect]:
    """Incidents of deployments of the period (accepted links), and problems recorded in it that no such incident belongs to."""
    links = (
        FailureLink.objects.filter(
            deployment__in=ended(period, wanted).values("pk"),
            status=FailureLink.Status.ACCEPTED,
            kind__in=[k.value for k in HARM],
        )
        .order_by("incident_id", "deployment__finished_at")
        .distinct("incident_id")
        .values_list(
            "incident_id",
            "incident__key",
            "incident__title",
            "deployment__finished_at",
            "deployment__service__name",
        )
    )
    found = [
        Defect("incident", pk, f"{key} {title}", at, service) for pk, key, title, at, service in links if at
    ]
    counted = {d.id for d in found}
    behind = set(ProblemIncident.objects.filter(incident__in=counted).values_list("problem_id", flat=True))
    rows = Problem.objects.filter(created_at__gte=period.start, created_at__lt=period.end, **_filters(wanted))
    for pk, key, title, at, service in rows.exclude(pk__in=behind).values_list(
        "pk", "key", "title", "created_at", "service__name"
    ):
        found.append(Defect("problem", pk, f"{key} {title}", at, service))
    return sorted(found, key=lambda d: d.at, reverse=True)


def changed(first: date, last: date, wanted: Wanted, zone: str) -> list[Changed]:
    """New commits from the first to the last day by service and month, from roll-ups; rollbacks bring nothing new."""
    cells = rolled(wanted, first, last, zone, Bucket.MONTH, (), OF_NEW)
    named = groups_of(cells.services, "service")
    sums: dict[tuple[str, date], list[int]] = {}
    for at, (service, month, purpose) in enumerate(
        zip(cells.services, cells.days, cells.purposes, strict=True)
    ):
        if purpose == Purpose.ROLLBACK:
            continue
        known = sums.setdefault((named[service], month), [0] * len(OF_NEW))
        for place, name in enumerate(OF_NEW):
            known[place] += int(cells.counts[name][at])
    return [
        Changed(service, lines, commits, unsized, month)
        for (service, month), (commits, unsized, lines) in sums.items()
        if commits
    ]


def features(period: Period, wanted: Wanted) -> QuerySet[ScopeItem]:
    """Items that releases of the period delivered: what their business calls features, fixes of problems left out."""
    delivered = Release.objects.filter(
        released_at__gte=period.start,
        released_at__lt=period.end,
        state__in=[Release.State.RELEASED, Release.State.CLOSED],
    )
    rows = ScopeItem.objects.filter(release__in=delivered, removed_at__isnull=True)
    rows = rows.exclude(classification__in=["problem_fix", "hotfix"])
    if wanted.train:
        rows = rows.filter(release__train_id=wanted.train)
    if wanted.team:
        rows = rows.filter(**{"release__owner_id": wanted.team})
    if wanted.service:
        rows = rows.filter(release__artifacts__service_id=wanted.service)
    return rows.select_related("release").order_by("-release__released_at", "id")
