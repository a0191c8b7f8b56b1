"""Weeks, months, quarters and years of a calendar: which of them are over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def first_day(every: str, day: date) -> date:
    """The day on which the period that holds this day began."""
    if every == "week":
        return day - timedelta(days=day.weekday())
    months = _MONTHS[every]
    return day.replace(month=(day.month - 1) // months * months + 1, day=1)


def next_first_day(every: str, day: date) -> date:
    """The day on which the period after the one of this day begins."""
    start = first_day(every, day)
    if every == "week":
        return start + timedelta(days=7)
    month = start.month - 1 + _MONTHS[every]
    return start.replace(year=start.year + month // 12, month=month % 12 + 1)


def over(every: str, since: datetime, until: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """Every period [start, end) of the zone's calendar that ended after `since` and not after `until`, oldest first."""
    day = first_day(every, since.astimezone(zone).date())
    while True:
        after = next_first_day(every, day)
        ends = midnight(after, zone)
        if ends > until:
            return
        if ends > since:
            yield midnight(day, zone), ends
        day = after


def last_over(every: str, until: datetime, zone: ZoneInfo, count: int) -> list[tuple[datetime, datetime]]:
    """The last periods that are over, newest first."""
    day = first_day(every, until.astimezone(zone).date())
    found: list[tuple[datetime, datetime]] = []
    while len(found) < count:
        before = first_day(every, day - timedelta(days=1))
        found.append((midnight(before, zone), midnight(day, zone)))
        day = before
    return found


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins there."""
    return datetime.combine(day, time(), zone)
