"""How long features stay in a state, and which of them have stood longer than is usual."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil

# Days after which a feature is stale while too few have passed through its state to know better.
USUAL_DAYS = {"funnel": 90, "analysis": 30, "ready": 60, "planned": 84, "in_progress": 28}
USUAL_SHARE = 85
ENOUGH = 10
# Where features rush through a state, a few days in it are no reason to worry.
LEAST_DAYS = 7.0
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Entry:
    """A feature came into a state."""

    item: Hashable
    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Spell:
    """A stay in a state: `left` is None while it lasts."""

    item: Hashable
    state: str
    since: datetime
    left: datetime | None

    def days(self, moment: datetime) -> float:
        return ((self.left or moment) - self.since).total_seconds() / DAY


@dataclass(frozen=True, slots=True)
class Limit:
    """After how many days a stay is long, and how that is known."""

    state: str
    days: float
    stays: int
    median: float | None
    sentence: str


def spells(entries: Iterable[Entry]) -> list[Spell]:
    """Stays from entries in the order of time; the same state twice in a row is one stay."""
    by_item: dict[Hashable, list[Entry]] = defaultdict(list)
    for entry in entries:
        known = by_item[entry.item]
        if not known or known[-1].state != entry.state:
            known.append(entry)
    found = []
    for known in by_item.values():
        for at, entry in enumerate(known):
            left = known[at + 1].at if at + 1 < len(known) else None
            found.append(Spell(entry.item, entry.state, entry.at, left))
    return found


def limits(stays: Iterable[Spell], usual: Mapping[str, int] = USUAL_DAYS) -> dict[str, Limit]:
    """Per state: the 85th percentile of finished stays, once there are ten; else the usual days."""
    finished: dict[str, list[float]] = defaultdict(list)
    for spell in stays:
        if spell.left is not None:
            finished[spell.state].append(spell.days(spell.left))
    found = {}
    for state, days in usual.items():
        known = sorted(finished[state])
        median = known[(len(known) - 1) // 2] if known else None
        if len(known) >= ENOUGH:
            long = known[ceil(len(known) * USUAL_SHARE / 100) - 1]
            said = (
                f"{USUAL_SHARE} % of {len(known)} features left within {long:.0f} days, a week at the least"
            )
            found[state] = Limit(state, max(long, LEAST_DAYS), len(known), median, said)
        else:
            said = f"{days} days, while fewer than {ENOUGH} have passed through ({len(known)} so far)"
            found[state] = Limit(state, float(days), len(known), median, said)
    return found
