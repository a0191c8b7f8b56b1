"""Defects against what was changed: the rows behind the stability index (M9)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

from metrics.queries.dora import Wanted, _filters
from metrics.queries.outcomes import HARM, ended
from metrics.rules.periods import Period
from problems.models import FailureLink, Problem, ProblemIncident
from releasetrain.tenancy.bulk import quoted
from trains.models import Commit, Deployment, DeploymentCommit, Environment, Release, ScopeItem, Service


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


def changed(period: Period, wanted: Wanted, zone: str) -> list[Changed]:
    """Commits whose first production deployment lies in the period, summed by service and month in the database."""
    try:
        inside, params = ended(period, wanted).values("pk", "finished_at").query.sql_with_params()
    except EmptyResultSet:  # there is no production environment
        return []
    names = {
        "inside": inside,
        "carried": quoted(DeploymentCommit),
        "commit": quoted(Commit),
        "service": quoted(Service),
        "deployment": quoted(Deployment),
        "environment": quoted(Environment),
    }
    with connection.cursor() as cursor:
        cursor.execute(_CHANGED.format(**names), [*params, zone, period.start])
        return [Changed(*row) for row in cursor.fetchall()]


_CHANGED = """
WITH inside (id, finished_at) AS ({inside}),
live AS (
    SELECT carried.commit_id, min(inside.finished_at) AS at
    FROM {carried} carried JOIN inside ON inside.id = carried.deployment_id
    GROUP BY carried.commit_id
)
SELECT service.name,
       coalesce(sum(coalesce(commit.lines_added, 0) + coalesce(commit.lines_removed, 0)), 0)::bigint,
       count(*),
       count(*) FILTER (WHERE commit.lines_added IS NULL AND commit.lines_removed IS NULL),
       date_trunc('month', live.at AT TIME ZONE %s)::date AS month
FROM live
JOIN {commit} commit ON commit.id = live.commit_id
JOIN {service} service ON service.id = commit.service_id
WHERE NOT EXISTS (
    SELECT FROM {carried} earlier
    JOIN {deployment} before ON before.id = earlier.deployment_id
    JOIN {environment} place ON place.id = before.environment_id
    WHERE earlier.commit_id = live.commit_id AND place.kind = 'production' AND before.finished_at < %s
)
GROUP BY service.name, month
"""


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
