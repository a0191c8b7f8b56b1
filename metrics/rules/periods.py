"""Half-open periods and their days, weeks and months in a time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from releasetrain.kernel.lazy_numpy import np


class Bucket(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` up to, and without, `end`."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("A period needs moments with a time zone.")
        if self.end <= self.start:
            raise ValueError("A period ends after it starts.")

    @property
    def days(self) -> float:
        """Length in days of 24 hours."""
        return (self.end - self.start) / timedelta(days=1)

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


@dataclass(frozen=True, slots=True)
class Slot:
    """One bucket. `complete` says whether the period covers all of it."""

    day: date
    start: datetime
    end: datetime
    complete: bool


class Slots(tuple[Slot, ...]):
    """Buckets in order, none between them left out."""

    @cached_property
    def edges(self) -> Any:
        """The starts of the slots and the end of the last in microseconds, as an int64 array for searching."""
        return np.array([micros(slot.start) for slot in self] + [micros(self[-1].end)], dtype=np.int64)


@lru_cache(maxsize=128)
def slots(period: Period, bucket: Bucket, zone: str = "UTC") -> Slots:
    """Every bucket that the period touches, in order; weeks start on Monday, days at local midnight.

    Kept, because every part of a page asks for the same ones, and two years have some hundreds of days.
    """
    local = ZoneInfo(zone)
    first = floor_day(period.start.astimezone(local).date(), bucket)
    found: list[Slot] = []
    start = _midnight(first, local)
    while start < period.end:
        following = _next(first, bucket)
        end = _midnight(following, local)
        found.append(Slot(first, start, end, period.start <= start and end <= period.end))
        first, start = following, end
    return Slots(found)


def micros(moment: datetime) -> int:
    """Microseconds since 1970, exact."""
    return round(moment.timestamp() * 1_000_000)


def moments(values: list[datetime | None]) -> Any:
    """The same for many at once, as an int64 array; nothing becomes the lowest number. Times without a zone
    are refused."""
    if any(value is not None and value.tzinfo is None for value in values):
        raise ValueError("Every moment needs a time zone.")
    seconds = np.array([np_nan if value is None else value.timestamp() for value in values], dtype=np.float64)
    absent = np.isnan(seconds)
    seconds[absent] = 0.0
    result = np.rint(seconds * 1e6).astype(np.int64)
    result[absent] = ABSENT
    return result


np_nan = float("nan")
ABSENT = -(2**63)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    # Through UTC, because two moments of one zone are subtracted by wall clock, which is wrong across a
    # clock change.
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(ZoneInfo("UTC"))


def floor_day(day: date, bucket: Bucket) -> date:
    """The first day of the bucket that a day lies in."""
    if bucket is Bucket.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if bucket is Bucket.MONTH else day


def whole_buckets(first: date, last: date, bucket: Bucket) -> tuple[date, date] | None:
    """The days from which to which whole buckets reach, of those from `first` to `last`; None without any."""
    start = floor_day(first, bucket)
    start = start if start == first else _next(start, bucket)
    end = floor_day(last + timedelta(days=1), bucket)
    return (start, end - timedelta(days=1)) if start < end else None


def days_of(first: date, bucket: Bucket) -> list[date]:
    """All days of the bucket that begins with this one."""
    return [first + timedelta(days=n) for n in range((_next(first, bucket) - first).days)]


def _next(day: date, bucket: Bucket) -> date:
    if bucket is Bucket.MONTH:
        return (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return day + timedelta(days=7 if bucket is Bucket.WEEK else 1)
