"""Whose turn it is to facilitate, and at which hour people meet. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any


@dataclass(frozen=True)
class Candidate:
    """Somebody who may facilitate: how often they did of late, when last, and the teams they belong to."""

    id: Any
    name: str
    turns: int = 0
    last: datetime | None = None
    teams: frozenset[Any] = field(default_factory=frozenset)


def whose_turn(candidates: Iterable[Candidate], responsible: Iterable[Any]) -> Candidate | None:
    """Who has facilitated least, then longest ago; nobody of a responsible team."""
    barred = frozenset(responsible)
    free = [c for c in candidates if not c.teams & barred]
    never = datetime.min.replace(tzinfo=UTC)
    return min(free, key=lambda c: (c.turns, c.last or never, c.name, str(c.id)), default=None)


def rotating_hour(hours: Sequence[int], held: int) -> int | None:
    """The hour of the next meeting: each in turn, so that nobody always meets at night."""
    return hours[held % len(hours)] if hours else None


def next_slot(at: datetime, hour: int, *, notice: timedelta = timedelta(days=1)) -> datetime:
    """The first working day, at least so long ahead, at the hour (UTC)."""
    earliest = at + notice
    day = earliest.date()
    slot = datetime.combine(day, time(hour), tzinfo=UTC)
    while slot < earliest or slot.weekday() > 4:
        slot += timedelta(days=1)
    return slot
