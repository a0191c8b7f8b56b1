"""Signals that a problem is back: a metric beyond its threshold without a break, a count within a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

ABOVE, BELOW = "above", "below"


@dataclass(frozen=True)
class Reading:
    """What was read between two moments; `crossed` is what the threshold makes of it."""

    starts: datetime
    ends: datetime
    value: float
    samples: int
    crossed: bool


def beyond(comparison: str, threshold: float, value: float) -> bool:
    """Whether the value lies beyond the threshold; the threshold itself is still all right."""
    return value > threshold if comparison == ABOVE else value < threshold


def sustained(
    points: Sequence[tuple[datetime, float]], comparison: str, threshold: float, minutes: int
) -> Reading | None:
    """The last stretch of a metric: crossed when every value of at least `minutes` on end lies beyond the threshold.

    None when there is no value at all: silence says neither that it is back nor that it is gone.
    """
    ordered = sorted(points)
    if not ordered:
        return None
    length = timedelta(minutes=minutes)
    run: list[tuple[datetime, float]] = []
    for at, value in ordered:
        run = [*run, (at, value)] if beyond(comparison, threshold, value) else []
        if run and len(run) > 1 and at - run[0][0] >= length:
            return Reading(run[0][0], at, _worst(comparison, run), len(run), True)
    last_at, _ = ordered[-1]
    tail = [(at, value) for at, value in ordered if at >= last_at - length]
    starts = tail[0][0] if tail[0][0] < last_at else last_at - timedelta(seconds=1)
    return Reading(starts, last_at, _worst(comparison, tail), len(tail), False)


def _worst(comparison: str, points: Iterable[tuple[datetime, float]]) -> float:
    values = [value for _, value in points]
    return max(values) if comparison == ABOVE else min(values)


def counted(
    counts: Iterable[tuple[datetime, datetime, float]], comparison: str, threshold: float, minutes: int
) -> bool:
    """Whether counts that were posted add up, within `minutes` that end with one of them, to beyond the threshold.

    Too few counts do not fall below a threshold: a missing report is no low count.
    """
    listed = sorted(counts, key=lambda c: c[1])
    length = timedelta(minutes=minutes)
    if comparison == BELOW:
        return any(e - s >= length and beyond(comparison, threshold, v) for s, e, v in listed)
    return any(
        beyond(comparison, threshold, sum(v for s, e, v in listed if s >= end - length and e <= end))
        or beyond(comparison, threshold, own)
        for _, end, own in listed
    )
