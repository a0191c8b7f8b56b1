"""How much a release's scope still moved after its baseline was set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class Change:
    """One change after or before the baseline."""

    on: date
    after_baseline: bool


def volatility(baseline: int, changes: int) -> float | None:
    """Changes after the baseline per item of the baseline, in percent; None without a baseline."""
    return round(100 * changes / baseline, 1) if baseline else None


def by_week(changes: Iterable[Change], first: date, weeks: int) -> list[tuple[date, int, int]]:
    """For each week from the Monday of `first`: (Monday, changes before the baseline, changes after it)."""
    monday = first - timedelta(days=first.weekday())
    sums = {monday + timedelta(weeks=n): [0, 0] for n in range(weeks)}
    for change in changes:
        week = change.on - timedelta(days=change.on.weekday())
        if week in sums:
            sums[week][change.after_baseline] += 1
    return [(week, before, after) for week, (before, after) in sums.items()]
