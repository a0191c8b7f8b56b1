"""The standard by which reviews of a service are held: the organization's, with what its train adds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from reviews.models import Review, ReviewPolicy
from reviews.rules.standard import Standard, merged
from trains.models import Service


@dataclass
class InForce:
    """What counts for the reviews of one service."""

    standard: Standard
    board: Any = None
    rows: list[ReviewPolicy] = field(default_factory=list)


def policy_for(service: Service | None) -> InForce:
    """The organization's standard, and on top of it what the train of the service adds."""
    return for_trains([service.train_id if service else None])[service.train_id if service else None]


def for_trains(trains: Iterable[Any]) -> dict[Any, InForce]:
    """The standard of each train, with one query."""
    wanted = set(trains)
    rows = list(ReviewPolicy.objects.select_related("board", "train"))
    common = [row for row in rows if row.train_id is None]
    found = {}
    for train in wanted:
        own = [row for row in rows if train is not None and row.train_id == train]
        used = [*common, *own]
        board = next((row.board for row in reversed(used) if row.board is not None), None)
        found[train] = InForce(merged([_said(row) for row in used]), board, used)
    return found


def _said(row: ReviewPolicy) -> dict[str, Any]:
    names = (
        "attendance", "quorum", "sections", "agenda", "indicators", "adoption", "vanity", "hours",
        "hold_overdue_actions", "effect_days", "escalate_days", "recurrences", "recurrence_days",
    )  # fmt: skip
    return {name: getattr(row, name) for name in names}


def policy_of(review: Review) -> InForce:
    return policy_for(review.service)
