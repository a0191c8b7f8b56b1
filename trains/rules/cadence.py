"""Cadence: the days of Program Increments and iterations. Intervals are half-open, [starts, ends)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class IterationDates:
    """One iteration of a Program Increment; `ends` is the first day that is no longer in it."""

    number: int
    starts: date
    ends: date
    innovation: bool


def increment_ends(starts: date, pi_weeks: int) -> date:
    """The first day after a Program Increment that begins on `starts`."""
    return starts + timedelta(weeks=pi_weeks)


def iterations(starts: date, pi_weeks: int, iteration_weeks: int, *, ip: bool) -> list[IterationDates]:
    """The iterations that fill a Program Increment without gap; weeks left over lengthen the last one."""
    count = max(1, pi_weeks // iteration_weeks)
    found = []
    for number in range(1, count + 1):
        first = starts + timedelta(weeks=iteration_weeks * (number - 1))
        last = number == count
        end = increment_ends(starts, pi_weeks) if last else first + timedelta(weeks=iteration_weeks)
        found.append(IterationDates(number, first, end, innovation=ip and last and count > 1))
    return found


def boundary_on_or_after(cadence_start: date, pi_weeks: int, day: date) -> date:
    """The first day on or after `day` on which the cadence begins a Program Increment."""
    beats = -((cadence_start - day).days // (pi_weeks * 7))
    return cadence_start + timedelta(weeks=pi_weeks * max(0, beats))


def is_boundary(cadence_start: date, pi_weeks: int, day: date) -> bool:
    """Whether the cadence begins a Program Increment on this day."""
    return (day - cadence_start).days % (pi_weeks * 7) == 0


def increment_name(cadence_start: date, pi_weeks: int, starts: date) -> str:
    """The usual name: two digits of the year and the number of the increment in it, e.g. ``26.4``."""
    beats_since_new_year = (starts - date(starts.year, 1, 1)).days // (pi_weeks * 7)
    return f"{starts.year % 100:02d}.{beats_since_new_year + 1}"


def day_number(starts: date, ends: date, day: date) -> int | None:
    """Which day of the interval `day` is, counted from 1; None outside it."""
    return (day - starts).days + 1 if starts <= day < ends else None
