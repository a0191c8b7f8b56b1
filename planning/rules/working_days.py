"""Counting working days: Monday to Friday without holidays, half-open, in constant time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from datetime import date, timedelta

SATURDAY = 5


class WorkingCalendar:
    """Holidays prepared once; those on a weekend take nothing away."""

    def __init__(self, holidays: Iterable[date] = ()):
        self._holidays = sorted({day for day in holidays if day.weekday() < SATURDAY})

    def between(self, start: date, end: date) -> int:
        """Working days from `start` up to and without `end`; negative when `end` comes first."""
        if end < start:
            return -self.between(end, start)
        weeks, rest = divmod((end - start).days, 7)
        weekdays = weeks * 5 + sum((start.weekday() + day) % 7 < SATURDAY for day in range(rest))
        return weekdays - bisect_left(self._holidays, end) + bisect_left(self._holidays, start)

    def is_working(self, day: date) -> bool:
        return self.between(day, day + timedelta(days=1)) == 1
