"""Closed days of the business: what collides with them, and the nearest clean shift."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

SHIFTED_AT_MOST = 60
_FRIDAY = 4


@dataclass(frozen=True)
class Closed:
    """A closed run of days [first, after), and why."""

    first: date
    after: date
    name: str

    def covers(self, day: date) -> bool:
        return self.first <= day < self.after


def collisions(day: date, closed: Iterable[Closed]) -> list[Closed]:
    """The closed periods that the day lies in."""
    return [each for each in closed if each.covers(day)]


def nearest_clean(day: date, closed: Iterable[Closed], *, not_before: date | None = None) -> date | None:
    """The working day nearest to this one that no period closes; the later of two that are as near."""
    periods = list(closed)
    for shift in range(SHIFTED_AT_MOST + 1):
        for candidate in (day + timedelta(days=shift), day - timedelta(days=shift)):
            early = not_before is not None and candidate < not_before
            if not early and candidate.weekday() <= _FRIDAY and not collisions(candidate, periods):
                return candidate
    return None
