"""An iteration day by day: what was in it, what was done, and what was promised at its start."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Piece:
    """A work item: its size, since when it is in the iteration, when it was done."""

    size: float
    added: date | None
    done: date | None


@dataclass(frozen=True, slots=True)
class Day:
    """The evening of a day: scope and done; None for days that have not come."""

    on: date
    scope: float | None
    done: float | None


@dataclass(frozen=True, slots=True)
class BurnUp:
    """The days of an iteration, with what was promised and what came later."""

    days: tuple[Day, ...]
    committed: float
    added: float
    done: float
    committed_done: float

    @property
    def scope(self) -> float:
        return self.committed + self.added


def burn_up(pieces: Iterable[Piece], starts: date, ends: date, today: date) -> BurnUp:
    """The burn-up from `starts` up to and without `ends`. What is in it on the first day counts as promised.

    Work done before the iteration began counts from its first day; without a day of its own it was always in it.
    """
    listed = list(pieces)
    days = []
    for number in range((ends - starts).days):
        day = starts + timedelta(days=number)
        if day > today:
            days.append(Day(day, None, None))
            continue
        scope = sum(p.size for p in listed if p.added is None or p.added <= day)
        done = sum(
            p.size
            for p in listed
            if p.done is not None and p.done <= day and (p.added is None or p.added <= day)
        )
        days.append(Day(day, scope, done))
    promised = [p for p in listed if p.added is None or p.added <= starts]
    return BurnUp(
        days=tuple(days),
        committed=sum(p.size for p in promised),
        added=sum(p.size for p in listed) - sum(p.size for p in promised),
        done=sum(p.size for p in listed if p.done is not None),
        committed_done=sum(p.size for p in promised if p.done is not None),
    )
