"""Rollbacks: which deployment a rollback undid, and which one's version came back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .settling import CANCELLED, FAILED, ROLLED_BACK, SUCCEEDED


@dataclass(frozen=True, slots=True)
class Past:
    """One deployment in the history of a service in an environment."""

    id: Any
    kind: str
    outcome: str
    version: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Undoing:
    """What a rollback undid and what it restored; either may be unknown to us."""

    rolls_back: Any
    restores: Any
    completed: bool


def undoings(history: Iterable[Past]) -> dict[Any, Undoing]:
    """For each rollback of one service in one environment: what it undid and restored.

    It undoes the latest deployment before it that is not undone yet, and restores the latest successful one before
    that (of its own version, when it names one). The answer depends on the deployments' own times only, not on the
    order in which they were reported.
    """
    past: list[Past] = []
    undone: set[Any] = set()
    found: dict[Any, Undoing] = {}
    for each in sorted(history, key=lambda p: (p.started_at, str(p.id))):
        if each.kind != "rollback":
            past.append(each)
            continue
        if each.outcome in (FAILED, CANCELLED):
            found[each.id] = Undoing(None, None, completed=False)
            continue
        living = [p for p in past if p.id not in undone and p.outcome != CANCELLED]
        target = next((p for p in reversed(living) if not each.version or p.version != each.version), None)
        completed = each.outcome in (SUCCEEDED, ROLLED_BACK)
        if target is None:
            found[each.id] = Undoing(None, None, completed=completed)
            continue
        earlier = living[: living.index(target)]
        restored = next(
            (p for p in reversed(earlier) if p.outcome == SUCCEEDED and each.version in ("", p.version)), None
        )
        found[each.id] = Undoing(target.id, restored.id if restored else None, completed=completed)
        if completed:
            undone.add(target.id)
    return found
