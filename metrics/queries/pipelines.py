"""Runs of pipeline stages, counted in the database by team, stage and cause (M14)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import connection
from django.db.models import Count, F, Q, QuerySet

from metrics.models import StageRun
from metrics.queries.dora import Wanted
from metrics.rules import pipelines as rules
from metrics.rules.periods import Period

BY = {"stage": "stage", "team": "team__name", "application": "service__name", "pipeline": "pipeline"}


@dataclass(frozen=True, slots=True)
class Line:
    """Runs of a group; `seconds` are the median and the 90th percentile of those that passed or failed."""

    group: str
    runs: int
    failed: int
    flaky: int
    cancelled: int
    median: float | None
    ninety: float | None


def runs_of(period: Period, wanted: Wanted) -> QuerySet[StageRun]:
    """The runs of a period; a team's are those of its changes."""
    paths = {"service__train_id": wanted.train, "team_id": wanted.team, "service_id": wanted.service}
    return StageRun.objects.filter(
        finished_at__gte=period.start,
        finished_at__lt=period.end,
        **{path: value for path, value in paths.items() if value},
    ).order_by()


def lines(rows: QuerySet[StageRun], by: str = "") -> list[Line]:
    """Counts, flaky failures and durations of each group, in one query.

    A failure is flaky if the same stage of the same pipeline of the service passed for the same commit as well, in the
    period.
    """
    # The group stands last, so that the names below are right.
    plain = ("service_id", "pipeline", "stage", "commit", "outcome", "started_at", "finished_at")
    chosen = rows.annotate(grouped=F(BY[by])).values(*plain, "grouped") if by else rows.values(*plain)
    inside, params = chosen.query.sql_with_params()
    names = [
        "service",
        "pipeline",
        "stage",
        "commit",
        "outcome",
        "started",
        "finished",
        *(["grouped"] if by else []),
    ]
    sql = _LINES.format(
        inside=inside,
        names=", ".join(f'"{n}"' for n in names),
        group="coalesce(grouped, 'No team')" if by else "'All'",
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found = [Line(*row) for row in cursor.fetchall()]
    return sorted(
        found, key=lambda line: (-(line.failed / line.runs if line.runs else 0), -line.runs, line.group)
    )


_LINES = """
WITH inside ({names}) AS ({inside}),
marked AS (
    SELECT *, commit <> '' AND outcome = 'failed'
        AND bool_or(outcome = 'passed') OVER (PARTITION BY service, pipeline, stage, commit) AS is_flaky
    FROM inside
)
SELECT {group} AS name,
       count(*) FILTER (WHERE outcome <> 'cancelled'),
       count(*) FILTER (WHERE outcome = 'failed'),
       count(*) FILTER (WHERE is_flaky),
       count(*) FILTER (WHERE outcome = 'cancelled'),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM finished - started)::float8)
           FILTER (WHERE outcome <> 'cancelled'),
       percentile_cont(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM finished - started)::float8)
           FILTER (WHERE outcome <> 'cancelled')
FROM marked
GROUP BY name
"""


def causes(rows: QuerySet[StageRun]) -> list[tuple[str, str, int, Any]]:
    """Failures by cause: cause, its words, how many, in which stages."""
    labels = dict(StageRun.Cause.choices)
    counted = (
        rows.filter(outcome=StageRun.Outcome.FAILED)
        .values("cause")
        .annotate(count=Count("pk"), stages=ArrayAgg("stage", distinct=True))
        .order_by("-count", "cause")
    )
    return [(r["cause"], str(labels.get(r["cause"], "Not said")), r["count"], r["stages"]) for r in counted]


def health(services: Iterable[uuid.UUID], at: datetime, days: int, **limits: float) -> rules.Health:
    """Whether the pipelines of services were steady in the days before a moment."""
    rows = StageRun.objects.filter(
        service__in=list(services), finished_at__gt=at - timedelta(days=days), finished_at__lte=at
    ).order_by()
    found = lines(rows)
    line = found[0] if found else Line("All", 0, 0, 0, 0, None, None)
    return rules.health(line.runs, line.failed, line.flaky, **limits)  # type: ignore[arg-type]


def failures(rows: QuerySet[StageRun]) -> QuerySet[StageRun]:
    return (
        rows.filter(outcome=StageRun.Outcome.FAILED)
        .select_related("service", "team")
        .order_by("-finished_at")
    )


def without_cause(rows: QuerySet[StageRun]) -> tuple[int, int, int, int]:
    """Failures, those that do not say why, runs, and those that name no commit."""
    found = rows.aggregate(
        failed=Count("pk", filter=Q(outcome="failed")),
        silent=Count("pk", filter=Q(outcome="failed", cause="")),
        runs=Count("pk"),
        anonymous=Count("pk", filter=Q(commit="")),
    )
    return found["failed"], found["silent"], found["runs"], found["anonymous"]


__all__ = ["Line", "causes", "failures", "health", "lines", "runs_of", "without_cause"]
