"""Urgency against stability: what waiting for a release costs, against what bundling the fix into it risks. An aid, no decision."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

FEW = 10


@dataclass(frozen=True)
class Past:
    """An earlier production deployment of a fix: how many items its release bundled, and whether it failed."""

    items: int
    failed: bool
    similar: bool


@dataclass(frozen=True)
class Record:
    """How similar past fixes went: failures of deployments, with the interval that so few allow (Wilson, 95 %)."""

    failed: int
    of: int
    low: float
    high: float

    @property
    def share(self) -> float | None:
        return self.failed / self.of if self.of else None

    @property
    def few(self) -> bool:
        return self.of < FEW


@dataclass(frozen=True)
class Option:
    """A release that could carry the fix: when, with how much else, and both costs."""

    label: str
    at: datetime
    items: int
    waiting: float
    expected_incidents: float
    record: Record
    risk: float

    @property
    def total(self) -> float:
        return self.waiting + self.risk


def record_of(past: Iterable[Past]) -> Record:
    """Failures and their interval. None at all: anything is possible."""
    rows = list(past)
    failed = sum(p.failed for p in rows)
    if not rows:
        return Record(0, 0, 0.0, 1.0)
    low, high = wilson(failed, len(rows))
    return Record(failed, len(rows), low, high)


def wilson(hits: int, of: int, z: float = 1.959964) -> tuple[float, float]:
    """The score interval of a share (Wilson 1927); it never leaves 0 to 1."""
    share = hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return (max(0.0, middle - half) if hits else 0.0), (min(1.0, middle + half) if hits < of else 1.0)


def band(items: int) -> tuple[int, int]:
    """Releases of about the same size: alone, 2 to 5, 6 to 15, more."""
    for low, high in ((0, 1), (2, 5), (6, 15)):
        if items <= high:
            return low, high
    return 16, 10**9


def weigh(
    candidates: Sequence[tuple[str, datetime, int]],
    *,
    at: datetime,
    incidents_a_week: float,
    cost_of_incident: float,
    cost_of_failure: float,
    past: Sequence[Past],
) -> list[Option]:
    """Each candidate with what waiting for it costs and what its bundle risks, the cheapest first.

    Risk is the share of failures among past fixes in bundles of that size, at the upper end of its interval where
    there are few of them, times what a failure costs.
    """
    found = []
    for label, when, items in candidates:
        weeks = max(timedelta(), when - at) / timedelta(days=7)
        expected = incidents_a_week * weeks
        low, high = band(items)
        near = [p for p in past if low <= p.items <= high and p.similar]
        record = record_of(near or [p for p in past if low <= p.items <= high])
        chance = record.high if record.few else (record.share or 0.0)
        found.append(
            Option(
                label, when, items, expected * cost_of_incident, expected, record, chance * cost_of_failure
            )
        )
    return sorted(found, key=lambda o: (o.total, o.at))
