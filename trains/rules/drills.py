"""Failure drills: the alerts that must fire against those that did, and what is proven of a service's monitoring. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

EXAMPLE = "LedgerErrorRateHigh within 5 min, severity=page"
MOST = 40
LONGEST = 24 * 60
SIGNALS = ("latency", "traffic", "errors", "saturation", "dependency")
# How long a passed drill proves something.
FRESH = timedelta(days=180)

_LINE = re.compile(
    r"(?P<name>[^,]{1,200}?)\s+within\s+(?P<minutes>\d{1,4})\s*min(?:utes)?(?P<labels>(?:\s*,.*)?)", re.I
)


class DrillError(ValueError):
    """A line that says no alert; the sentence names it."""


@dataclass(frozen=True)
class Expected:
    """An alert that must fire so soon after the failure began, with these labels."""

    name: str
    within_minutes: int
    labels: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        labels = "".join(f", {key}={value}" for key, value in sorted(self.labels.items()))
        return f"{self.name} within {self.within_minutes} min{labels}"

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "within_minutes": self.within_minutes, "labels": dict(self.labels)}


@dataclass(frozen=True)
class Alert:
    """An alert that was reported."""

    id: Any
    name: str
    starts_at: datetime
    ends_at: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


class Fired(StrEnum):
    """What became of an expected alert."""

    IN_TIME = "fired"
    LATE = "late"
    BEFORE = "before"
    MISSING = "missing"
    AWAITED = "awaited"


@dataclass(frozen=True)
class Match:
    """An expected alert with the one that answers to it, and how long that took."""

    expected: Expected
    fired: Fired
    alert: Alert | None = None
    after: timedelta | None = None


def read_expected(text: str) -> list[Expected]:
    """Alerts from lines like the example."""
    found = [_line(line.strip()) for line in text.splitlines() if line.strip()]
    if not found:
        raise DrillError(f"Name at least one alert that must fire, like: {EXAMPLE}.")
    if len(found) > MOST:
        raise DrillError(f"At most {MOST} alerts.")
    return found


def _line(line: str) -> Expected:
    found = _LINE.fullmatch(line)
    minutes = int(found["minutes"]) if found else 0
    if not found or not 1 <= minutes <= LONGEST:
        raise DrillError(f"{line[:80]!r} names no alert and its time. Write it like: {EXAMPLE}.")
    labels = {}
    for part in filter(None, (p.strip() for p in (found["labels"] or "").split(","))):
        key, sign, value = part.partition("=")
        if not (key.strip() and sign and value.strip()):
            raise DrillError(f"{part[:60]!r} in {line[:80]!r} is no label. Write it like: {EXAMPLE}.")
        labels[key.strip()[:100]] = value.strip()[:200]
    return Expected(found["name"].strip(), minutes, labels)


def stored(rows: Iterable[Mapping[str, Any]]) -> list[Expected]:
    return [Expected(r["name"], r["within_minutes"], r["labels"]) for r in rows]


def match(
    expected: Sequence[Expected], alerts: Sequence[Alert], began: datetime, until: datetime, *, over: bool
) -> list[Match]:
    """What became of each expected alert. One that was firing before the failure began proves nothing."""
    return [_match(each, alerts, began, until, over) for each in expected]


def _match(each: Expected, alerts: Sequence[Alert], began: datetime, until: datetime, over: bool) -> Match:
    alike = [a for a in alerts if _answers(each, a)]
    due = began + timedelta(minutes=each.within_minutes)
    fresh = sorted((a for a in alike if began <= a.starts_at <= max(until, due)), key=lambda a: a.starts_at)
    if fresh:
        first = fresh[0]
        return Match(
            each, Fired.IN_TIME if first.starts_at <= due else Fired.LATE, first, first.starts_at - began
        )
    earlier = [a for a in alike if a.starts_at < began and (a.ends_at is None or a.ends_at > began)]
    if earlier:
        return Match(each, Fired.BEFORE, earlier[0])
    return Match(each, Fired.MISSING if over or until > due else Fired.AWAITED)


def _answers(each: Expected, alert: Alert) -> bool:
    same = each.name.casefold() == alert.name.casefold()
    return same and all(alert.labels.get(key) == value for key, value in each.labels.items())


def passed(matches: Sequence[Match]) -> bool:
    """Every alert fired in time; a drill without any proves nothing."""
    return bool(matches) and all(m.fired is Fired.IN_TIME for m in matches)


@dataclass(frozen=True)
class Past:
    """A concluded drill, as coverage reads it."""

    id: Any
    signal: str
    passed: bool
    ended_at: datetime


@dataclass(frozen=True)
class Covered:
    """What is known of the monitoring of one way to fail: proven, outdated, unnoticed or untried."""

    signal: str
    standing: str
    drill: Any = None
    at: datetime | None = None


def coverage(drills: Iterable[Past], now: datetime, fresh: timedelta = FRESH) -> list[Covered]:
    """For each way to fail, what the latest drill of it showed."""
    latest: dict[str, Past] = {}
    for drill in sorted(drills, key=lambda d: d.ended_at):
        latest[drill.signal] = drill
    found = []
    for signal in SIGNALS:
        drill = latest.get(signal)
        if drill is None:
            found.append(Covered(signal, "untried"))
        elif not drill.passed:
            found.append(Covered(signal, "unnoticed", drill.id, drill.ended_at))
        else:
            standing = "proven" if now - drill.ended_at <= fresh else "outdated"
            found.append(Covered(signal, standing, drill.id, drill.ended_at))
    return found


def share(covered: Sequence[Covered]) -> float:
    """The share of ways to fail whose alerts are proven, in percent."""
    return 100 * sum(c.standing == "proven" for c in covered) / len(covered)
