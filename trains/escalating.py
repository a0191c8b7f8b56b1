"""What can escalate: each app registers its kinds, with the rows that wait and since when."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max

from .models import Train


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that waits for somebody: `since` is when it began to wait."""

    id: uuid.UUID
    label: str
    since: datetime
    train_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Escalatable:
    """A kind of thing. `kind` is its model's word in references, and where one model waits
    for different things a dot and a further word; `waiting` finds what waits now."""

    kind: str
    title: str
    waiting: Callable[[Train | None], Iterable[Waiting]]


_kinds: dict[str, Escalatable] = {}


def escalates(
    kind: str, title: str
) -> Callable[[Callable[[Train | None], Iterable[Waiting]]], Callable[[Train | None], Iterable[Waiting]]]:
    """Register fn(train or None for all) -> what waits, under the kind's name."""

    def register(
        waiting: Callable[[Train | None], Iterable[Waiting]],
    ) -> Callable[[Train | None], Iterable[Waiting]]:
        if kind in _kinds:
            raise ValueError(f"{kind} escalates twice")
        _kinds[kind] = Escalatable(kind, title, waiting)
        return waiting

    return register


def kinds() -> list[tuple[str, str]]:
    """The kinds with their titles, for choices."""
    return sorted(((each.kind, each.title) for each in _kinds.values()), key=lambda pair: pair[1])


def kind_of(name: str) -> Escalatable | None:
    return _kinds.get(name)


def last_changes(rows: list[Any]) -> dict[uuid.UUID, datetime]:
    """When those of these rows of one tracked model that were ever changed last were, in one query."""
    if not rows:
        return {}
    history = type(rows[0]).history.filter(id__in=[row.pk for row in rows], history_type="~")
    return dict(history.order_by().values_list("id").annotate(at=Max("history_date")))
