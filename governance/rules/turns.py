"""Whose turn it is before an environment that takes only so many deployments at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Turn:
    """A place in the queue: business impact 1 goes first."""

    id: Any
    impact: int
    requested_at: datetime
    key: str = ""


@dataclass(frozen=True)
class Standing:
    """Whether somebody may start now; `ahead` are those who go first."""

    may_start: bool
    free: int
    ahead: tuple[Any, ...]

    @property
    def place(self) -> int:
        return len(self.ahead) + 1


def in_order(turns: Iterable[Turn]) -> list[Turn]:
    """By business impact, then by who asked first."""
    return sorted(turns, key=lambda t: (t.impact, t.requested_at, t.key))


def standing(limit: int | None, running: int, waiting: Iterable[Turn], mine: Any = None) -> Standing:
    """May whoever holds the turn `mine` start now? Without a turn one goes behind everybody who waits."""
    queue = in_order(waiting)
    ahead: list[Any] = []
    for turn in queue:
        if turn.id == mine:
            break
        ahead.append(turn.id)
    if limit is None:
        return Standing(True, 0, ())
    free = max(0, limit - running)
    return Standing(len(ahead) < free, free, tuple(ahead))
