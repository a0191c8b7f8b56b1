"""The burn-up of an iteration: scope and done points at the end of each day, from the states that features had."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class Version:
    """What a feature was from a day on: inside the iteration or not, its points, done or not."""

    feature: Any
    day: date
    inside: bool
    points: int
    done: bool


@dataclass(frozen=True, slots=True)
class Day:
    """The end of one day."""

    day: date
    scope: int
    done: int


def burn_up(versions: Iterable[Version], starts: date, ends: date, today: date) -> tuple[Day, ...]:
    """One entry a day of [starts, ends) up to today; `versions` in the order in which they happened."""
    ordered = sorted(versions, key=lambda v: v.day)
    last = min(ends - timedelta(days=1), today)
    latest: dict[Any, Version] = {}
    days: list[Day] = []
    at = 0
    day = starts
    while day <= last:
        while at < len(ordered) and ordered[at].day <= day:
            latest[ordered[at].feature] = ordered[at]
            at += 1
        inside = [v for v in latest.values() if v.inside]
        days.append(Day(day, sum(v.points for v in inside), sum(v.points for v in inside if v.done)))
        day += timedelta(days=1)
    return tuple(days)
