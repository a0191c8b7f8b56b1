"""Defects against what was changed: the rows behind the stability index (M9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, Exists, OuterRef, QuerySet

from metrics.queries.dora import Wanted, _filters, production, text_of
from metrics.queries.outcomes import ENDED, HARM
from metrics.queries.quality import FORWARD
from metrics.queries.rollup import groups_of, rolled
from metrics.rules.dora import Purpose
from metrics.rules.periods import Bucket, Period
from metrics.rules.rollup import OF_NEW, chosen_of
from problems.models import FailureLink, Problem, ProblemIncident
from trains.models import Deployment, Release, ScopeItem


@dataclass(frozen=True, slots=True)
class Defect:
    """An incident that deployments caused, or a problem that was found otherwise."""

    kind: str
    id: str
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


def _links(period: Period, wanted: Wanted) -> QuerySet[FailureLink]:
    """Accepted links of deployments of the period (see `outcomes.ended`) to incidents that they caused or contributed to."""
    return (
        FailureLink.objects.filter(
            status=FailureLink.Status.ACCEPTED,
            kind__in=[k.value for k in HARM],
            deployment__finished_at__gte=period.start,
            deployment__finished_at__lt=period.end,
            deployment__state__in=ENDED,
            deployment__environment__in=production(),
            **{f"deployment__{path}": value for path, value in _filters(wanted).items()},
        )
        .exclude(deployment__kind=Deployment.Kind.ROLLBACK)
        .order_by()
    )


def _problems(period: Period, wanted: Wanted, links: QuerySet[FailureLink]) -> QuerySet[Problem]:
    """Problems recorded in the period that no incident of these links belongs to."""
    behind = ProblemIncident.objects.filter(problem=OuterRef("pk"), incident__in=links.values("incident_id"))
    return Problem.objects.filter(
        ~Exists(behind), created_at__gte=period.start, created_at__lt=period.end, **_filters(wanted)
    ).order_by()


def defects(period: Period, wanted: Wanted) -> list[Defect]:
    """Incidents of deployments of the period, and problems recorded in it that no such incident belongs to."""
    links = _links(period, wanted)
    incidents = (
        links.order_by("incident_id", "deployment__finished_at")
        .distinct("incident_id")
        .values_list(
            text_of("incident_id"),
            "incident__key",
            "incident__title",
            "deployment__finished_at",
            "deployment__service__name",
        )
    )
    problems = _problems(period, wanted, links).values_list(
        text_of("id"), "key", "title", "created_at", "service__name"
    )
    found = [
        Defect(kind, pk, f"{key} {title}", at, service)
        for kind, rows in (("incident", incidents), ("problem", problems))
        for pk, key, title, at, service in rows
    ]
    return sorted(found, key=lambda d: d.at, reverse=True)


def defect_count(period: Period, wanted: Wanted) -> int:
    """How many defects there are, without saying which."""
    links = _links(period, wanted)
    incidents: int = links.aggregate(count=Count("incident_id", distinct=True))["count"]
    return incidents + _problems(period, wanted, links).count()


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


def lines_of(first: date, last: date, wanted: Wanted, zone: str) -> int:
    """All new lines from the first to the last day."""
    cells = rolled(wanted, first, last, zone, Bucket.MONTH, (), ("new_lines",))
    return cells.total("new_lines", chosen_of(cells, FORWARD))


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
