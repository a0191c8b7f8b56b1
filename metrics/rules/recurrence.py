"""Whether fixes held: shares of observed fixes that came back, and how soon."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from metrics.rules.rates import Share, share
from metrics.rules.samples import percentiles, wording

PASSED, BREACHED, VOID, RUNNING = "passed", "breached", "void", "running"


@dataclass(frozen=True, slots=True)
class Fix:
    """A fix in production and how its observation went."""

    id: Any
    problem: str
    team: str
    category: str
    outcome: str
    live_at: datetime
    back_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """Fixes of a group: judged are those that held or came back; rolled back and still observed ones are named apart."""

    group: str
    judged: int
    back: int
    rolled_back: int
    observed: int
    share: Share
    ids: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Recurrence:
    """All fixes, with the days until those that came back did."""

    total: Held
    days: dict[int, float]
    sample: str


def recurrence(fixes: Iterable[Fix]) -> Recurrence:
    listed = list(fixes)
    days = [
        (f.back_at - f.live_at).total_seconds() / 86_400
        for f in listed
        if f.outcome == BREACHED and f.back_at is not None and f.back_at >= f.live_at
    ]
    return Recurrence(_held("All", listed), dict(percentiles(days)), wording(len(days), "recurrences"))


def by(fixes: Iterable[Fix], key: Callable[[Fix], str]) -> tuple[Held, ...]:
    """The same by team, category or month, the least lasting first."""
    groups: dict[str, list[Fix]] = {}
    for each in fixes:
        groups.setdefault(key(each), []).append(each)
    found = [_held(group, rows) for group, rows in groups.items()]
    return tuple(sorted(found, key=lambda h: (-(h.share.value or 0.0), -h.judged, h.group)))


def _held(group: str, rows: list[Fix]) -> Held:
    back = sum(f.outcome == BREACHED for f in rows)
    judged = back + sum(f.outcome == PASSED for f in rows)
    return Held(
        group,
        judged,
        back,
        sum(f.outcome == VOID for f in rows),
        sum(f.outcome == RUNNING for f in rows),
        share(back, judged, "fixes"),
        tuple(f.id for f in rows),
    )
