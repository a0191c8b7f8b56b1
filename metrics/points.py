"""The delivery metrics as series: one point for each whole bucket of a report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Count
from django.db.models.functions import TruncDate

from metrics.asking import Question
from metrics.queries.quality import incidents_of
from metrics.report import Report
from metrics.rules.periods import floor_day

HOUR = 3600
# Limits need some history before they mean anything; the first so many buckets are the stated baseline.
BASELINE, LEAST = 20, 8


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure that can be followed over time: individual values, shares (p) or rates (u)."""

    name: str
    title: str
    kind: str
    unit: str
    fewer_is_better: bool


MEASURES = {
    each.name: each
    for each in (
        Measured("deployments", "Deployments", "x", "deployments", False),
        Measured("lead_time", "Median lead time", "x", "hours", True),
        Measured("fail_rate", "Change fail rate", "p", "%", True),
        Measured("recovery", "Median recovery time", "x", "hours", True),
        Measured("rework", "Deployment rework rate", "p", "%", True),
        Measured("incidents", "Incidents per deployment", "u", "per deployment", True),
    )
}


@dataclass(frozen=True, slots=True)
class Point:
    """One bucket; `value` is None where there was nothing to compute it from. Shares and rates have count and total."""

    day: date
    label: str
    value: float | None
    count: int = 0
    total: int = 0


def label_of(day: date, bucket: str) -> str:
    return f"{day:%b %Y}" if bucket == "month" else f"{day:%d %b}"


def points_of(found: Report, measure: str) -> list[Point]:
    """The points of one measure over the whole buckets of the report, of everything that was asked for together."""
    q = found.question
    grid = found.together
    whole = [
        (at, slot.day, label_of(slot.day, q.bucket.value))
        for at, slot in enumerate(grid.slots)
        if slot.complete
    ]
    if not grid.groups:
        return [Point(day, label, 0.0 if measure == "deployments" else None) for _, day, label in whole]
    deployments = grid.deployments[0].tolist()
    if measure == "deployments":
        return [Point(day, label, float(deployments[at])) for at, day, label in whole]
    if measure in ("lead_time", "recovery"):
        seconds = (grid.lead_seconds if measure == "lead_time" else grid.recovery_seconds)[0].tolist()
        return [
            Point(day, label, None if math.isnan(seconds[at]) else seconds[at] / HOUR)
            for at, day, label in whole
        ]
    if measure == "incidents":
        told = _incidents(q)
        counts = [told.get(slot.day, 0) for slot in grid.slots]
    else:
        counts = (grid.failed if measure == "fail_rate" else grid.rework)[0].tolist()
    scale = 100.0 if MEASURES[measure].kind == "p" else 1.0
    return [
        Point(
            day, label, scale * counts[at] / total if (total := deployments[at]) else None, counts[at], total
        )
        for at, day, label in whole
    ]


def _incidents(question: Question) -> dict[date, int]:
    """Incidents by the first day of their bucket."""
    told: dict[date, int] = {}
    zone = question.period.start.tzinfo
    found = incidents_of(question.period, question.wanted).annotate(
        local_day=TruncDate("detected_at", tzinfo=zone)
    )
    for day, count in found.values_list("local_day").annotate(Count("id", distinct=True)):
        slot = floor_day(day, question.bucket)
        told[slot] = told.get(slot, 0) + count
    return told


def known(points: Sequence[Point]) -> list[Point]:
    """The points with a value."""
    return [point for point in points if point.value is not None]
