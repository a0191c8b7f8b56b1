"""The faces of what metrics keep: runs of pipeline stages, signals of production and their counts."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from metrics.models import FeedbackCount, FeedbackSignal, StageRun
from releasetrain.interface.resources import Filter, Resource, register


def _answered(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    return rows.filter(feature__isnull=value == "no")


register(
    Resource(
        StageRun,
        plural="stage-runs",
        section="metrics",
        icon="play",
        columns=("stage", "run", "attempt", "service", "team", "outcome", "cause", "finished_at"),
        filters=("service", "team", "outcome", "cause"),
        search=("run", "stage", "commit"),
        order=("-finished_at", "-id"),
        select=("service", "team"),
        description="Pipelines report here how each attempt of a stage ended.",
    )
)
register(
    Resource(
        FeedbackSignal,
        plural="feedback-signals",
        section="metrics",
        icon="bell",
        columns=("title", "service", "source", "fingerprint", "feature"),
        filters=(
            "service",
            "source",
            Filter("answered", "Answered by the backlog", _answered, (("yes", "Yes"), ("no", "No"))),
        ),
        search=("title", "fingerprint"),
        order=("title", "id"),
        select=("service", "feature"),
        description="What monitoring and support report about services, counted into the backlog's priority.",
    )
)
register(
    Resource(
        FeedbackCount,
        plural="feedback-counts",
        section="metrics",
        columns=("signal", "at", "times", "severity"),
        filters=("signal", "severity"),
        order=("-at", "-id"),
        select=("signal",),
    )
)
