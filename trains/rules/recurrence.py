"""What recurs by the wall clock: RRULEs of RFC 5545 in a zone, as intervals of UTC.

A local time that a change of the clock skips is read with the offset before the change, one that it repeats is the
first of the two; the length is exact. Both are what RFC 5545 says of DTSTART with TZID and of DURATION.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from .intervals import Interval

_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_PARTS = {
    "FREQ": "|".join(_FREQUENCIES),
    "INTERVAL": r"[1-9]\d{0,2}",
    "COUNT": r"[1-9]\d{0,3}",
    "UNTIL": r"\d{8}(T\d{6}Z?)?",
    "BYMONTH": r"\d{1,2}(,\d{1,2})*",
    "BYMONTHDAY": r"[+-]?\d{1,2}(,[+-]?\d{1,2})*",
    "BYYEARDAY": r"[+-]?\d{1,3}(,[+-]?\d{1,3})*",
    "BYWEEKNO": r"[+-]?\d{1,2}(,[+-]?\d{1,2})*",
    "BYDAY": r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)(,([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU))*",
    "BYSETPOS": r"[+-]?\d{1,3}(,[+-]?\d{1,3})*",
    "WKST": "MO|TU|WE|TH|FR|SA|SU",
}
_BOUNDS = {"BYMONTH": 12, "BYMONTHDAY": 31, "BYYEARDAY": 366, "BYWEEKNO": 53, "BYSETPOS": 366}
# How far a rule is searched for its first day; 29 February comes at least once in eight years.
_SEARCHED = timedelta(days=366 * 9)


@dataclass(frozen=True)
class Recurrence:
    """The first occurrence by the wall clock of a zone, the length of each, and the rule; no rule: once."""

    first: datetime
    length: timedelta
    zone: str
    rrule: str = ""


def utc(local: datetime, zone: str) -> datetime:
    """The moment at which the wall clock of the zone shows this."""
    return local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def midnight(day: date, zone: str) -> datetime:
    """The moment at which the day begins in the zone."""
    return utc(datetime.combine(day, time.min), zone)


def normalized(rrule: str) -> str:
    """The rule as it is kept: upper case, without its property name and without blanks."""
    text = re.sub(r"\s+", "", rrule).upper().rstrip(";")
    return text.removeprefix("RRULE:")


def fault(rrule: str, first: datetime) -> str:
    """What is wrong with a rule, in a sentence that names what to change; empty where nothing is."""
    parts = [part.partition("=") for part in rrule.split(";")]
    names = [name for name, _, _ in parts]
    if "FREQ" not in names:
        return "The rule names no FREQ; write e.g. FREQ=MONTHLY;BYDAY=-1SA."
    for name, _, value in parts:
        if name not in _PARTS:
            return f"{name or 'An empty part'} is not used here; the parts are {', '.join(_PARTS)}."
        if not re.fullmatch(_PARTS[name], value):
            return f"{name}={value} is not understood" + (
                f"; FREQ is one of {', '.join(_FREQUENCIES)}." if name == "FREQ" else "."
            )
        most = _BOUNDS.get(name)
        if most and not all(1 <= abs(int(n)) <= most for n in value.split(",")):
            return f"{name}={value} goes beyond {most}."
    if len(set(names)) != len(names):
        return "A part of the rule stands twice."
    if "COUNT" in names and "UNTIL" in names:
        return "A rule has COUNT or UNTIL, not both."
    try:
        began = next(
            iter(_locals(Recurrence(first, timedelta(minutes=1), "UTC", rrule), first + _SEARCHED)), None
        )
    except ValueError as error:
        return f"The rule is not understood: {error}."
    if began is None:
        return "The rule never comes; check its parts, and UNTIL."
    if began.date() != first.date():
        return f"{first.date()} is not a day of the rule; the first is {began.date()}."
    return ""


def _locals(what: Recurrence, horizon: datetime) -> Iterator[datetime]:
    """Wall-clock starts from the first one up to the horizon."""
    if not what.rrule:
        yield what.first
        return
    from dateutil.rrule import rrulestr

    parts = dict(part.split("=", 1) for part in what.rrule.split(";"))
    count, until = int(parts.pop("COUNT", 0)), parts.pop("UNTIL", "")
    text = ";".join(f"{name}={value}" for name, value in parts.items())
    # An end is always set, or a rule that never comes would be searched for until the year 9999.
    rule = rrulestr(text, dtstart=what.first).replace(until=horizon)
    for number, local in enumerate(rule, 1):
        if (count and number > count) or (until and not _before(local, until, what.zone)):
            return
        yield local


def _before(local: datetime, until: str, zone: str) -> bool:
    if len(until) == 8:
        return local.date() <= datetime.strptime(until, "%Y%m%d").date()
    end = datetime.strptime(until.rstrip("Z"), "%Y%m%dT%H%M%S")
    if until.endswith("Z"):
        return utc(local, zone) <= end.replace(tzinfo=UTC)
    return local <= end


def occurrences(what: Recurrence, starts: datetime, ends: datetime) -> list[Interval]:
    """Every occurrence that shares a moment with [starts, ends), in order."""
    horizon = ends.astimezone(ZoneInfo(what.zone)).replace(tzinfo=None) + timedelta(days=1)
    found = []
    for local in _locals(what, horizon):
        at = utc(local, what.zone)
        if at >= ends:
            break
        if at + what.length > starts:
            found.append(Interval(at, at + what.length))
    return found


def whole_days(first_day: date, days: int, rrule: str, starts: date, ends: date) -> list[tuple[date, date]]:
    """Every run of whole days, [first, day after the last), that shares a day with [starts, ends)."""
    first = datetime.combine(first_day, time.min)
    what = Recurrence(first, timedelta(days=days), "UTC", rrule)
    runs = occurrences(what, _day(starts), _day(ends))
    return [(run.starts.date(), run.ends.date()) for run in runs]


def _day(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
