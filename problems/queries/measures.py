"""Values of a metric of a service, as its measurements tell."""

from __future__ import annotations

from datetime import datetime

from trains.models import Service


def values_between(
    service: Service, metric: str, starts: datetime, ends: datetime
) -> list[tuple[datetime, float]]:
    """The values of [starts, ends) in their order."""
    return []
