"""How cells of tables say shares, durations and intervals."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from math import isfinite
from zoneinfo import ZoneInfo

from metrics.rules.periods import Bucket
from metrics.rules.speaking import spoken

ROWS = 200


def share(value: float | None) -> str:
    """A share in percent."""
    return "–" if value is None else f"{value * 100:.1f} %"


def shares(interval: tuple[float, float] | None) -> str:
    """An interval of shares."""
    return "–" if interval is None else f"{interval[0] * 100:.1f} to {interval[1] * 100:.1f} %"


def numbers(interval: tuple[float, float] | None) -> str:
    """An interval of numbers; an end that the data leave open is said to be open."""
    if interval is None:
        return "–"
    low, high = (("no limit" if end == float("inf") else f"{end:.2f}") for end in interval)
    return f"{low} to {high}"


def hours(value: float | None) -> str:
    """Hours in the unit that people would use."""
    return "–" if value is None else " ".join(spoken("seconds", value * 3600)).strip()


def number(value: float | None) -> str:
    """A plain number, short."""
    return "–" if value is None or not isfinite(value) else spoken("", value)[0]


def bucket_of(moment: datetime, bucket: Bucket, zone: str) -> date:
    """The first day of the bucket that a moment lies in."""
    day = moment.astimezone(ZoneInfo(zone)).date()
    if bucket is Bucket.MONTH:
        return day.replace(day=1)
    return date.fromordinal(day.toordinal() - day.weekday()) if bucket is Bucket.WEEK else day


def label_of(day: date, bucket: Bucket) -> str:
    return f"{day:%b %Y}" if bucket is Bucket.MONTH else f"{day:%d %b}"


def joined(words: Iterable[str]) -> str:
    return " ".join(word for word in words if word)
