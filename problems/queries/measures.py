"""Values of a metric of a service in production, as its measurements tell."""

from __future__ import annotations

from datetime import datetime

from trains.models import Environment, Service
from trains.queries import series

Points = list[tuple[datetime, float]]


def lines_between(service: Service, metric: str, starts: datetime, ends: datetime) -> list[Points]:
    """The points of [starts, ends) of each series of that name (an instance, a track), test environments left out."""
    if ends <= starts:
        return []
    readings = series.values(service, [metric], starts, ends)[metric]
    if not readings:
        return []
    elsewhere = set(
        Environment.objects.exclude(kind=Environment.Kind.PRODUCTION).values_list("pk", flat=True)
    )
    return [
        list(zip(r.moments, r.values, strict=True))
        for r in readings
        if r.series.environment_id not in elsewhere
    ]


def values_between(service: Service, metric: str, starts: datetime, ends: datetime) -> Points:
    """All points together, in their order."""
    return sorted(point for line in lines_between(service, metric, starts, ends) for point in line)
