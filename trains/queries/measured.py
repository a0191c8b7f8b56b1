"""Whether a threshold is crossed by what was measured lately. Where too little was measured, it is not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from releasetrain.kernel.clock import now
from trains.models import Environment, Service
from trains.rules.rollback_thresholds import Threshold

from .series import Reading, values

# So many points at least, and so much of the time covered by them.
LEAST_POINTS = 3
COVERED = 0.75


@dataclass(frozen=True)
class Measured:
    """What was measured beyond a threshold, for its whole time."""

    series: str
    value: float
    points: int

    def __str__(self) -> str:
        return f"{self.series}: {self.value:.4g} on average over {self.points} points"


def crossing(
    threshold: Threshold, service: Service, environment: Environment, since: datetime | None = None
) -> Measured | None:
    """The series of the service that lies beyond the threshold for its whole time until now, at every point.

    `since`: nothing older counts; where the time of the threshold reaches back further, nothing is crossed yet.
    """
    end = now()
    start = end - timedelta(minutes=threshold.minutes)
    if since is not None and start < since:
        return None
    names = dict.fromkeys((threshold.metric, threshold.metric.replace(" ", "_")))
    answer = values(service, names, start, end, environment=environment)
    for readings in answer.values():
        for reading in readings:
            if _beyond(threshold, reading, start, end):
                mean = sum(reading.values) / len(reading.values)
                return Measured(reading.name, mean, len(reading.values))
    return None


def _beyond(threshold: Threshold, reading: Reading, start: datetime, end: datetime) -> bool:
    if len(reading.values) < LEAST_POINTS:
        return False
    span = reading.moments[-1] - reading.moments[0]
    if span < COVERED * (end - start):
        return False
    if threshold.above:
        return all(value > threshold.value for value in reading.values)
    return all(value < threshold.value for value in reading.values)
