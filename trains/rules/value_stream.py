"""Waiting and working time on the way of a change: per stage, and per handoff from one team to another.

A run enters a stage, is started there and is finished there. Working is from the start to the finish. Waiting is from
the end of the stage before (or from the entry, where nothing came before) to the start.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

ZERO = timedelta(0)


@dataclass(frozen=True, slots=True)
class StageOf:
    """A stage in its place, and whose it is."""

    id: Any
    team: Any = None


@dataclass(frozen=True, slots=True)
class Event:
    """A run entered, started or finished a stage."""

    stage: Any
    run: str
    kind: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Times:
    """Durations of one stage or handoff over all runs."""

    durations: tuple[timedelta, ...]

    @property
    def runs(self) -> int:
        return len(self.durations)

    @property
    def median(self) -> timedelta | None:
        return median(self.durations) if self.durations else None

    @property
    def worst(self) -> timedelta | None:
        return max(self.durations) if self.durations else None

    @property
    def total(self) -> timedelta:
        return sum(self.durations, ZERO)


@dataclass(frozen=True, slots=True)
class StageTimes:
    """Waiting before a stage and working in it; `handoff` where the stage before belongs to another team."""

    stage: Any
    waiting: Times
    working: Times
    handoff: bool


@dataclass(frozen=True, slots=True)
class ValueStream:
    """All stages in order, and the one before which changes wait longest."""

    stages: tuple[StageTimes, ...]
    longest: Any
    runs: int

    @property
    def waiting(self) -> timedelta:
        return sum((s.waiting.median or ZERO for s in self.stages), ZERO)

    @property
    def working(self) -> timedelta:
        return sum((s.working.median or ZERO for s in self.stages), ZERO)

    @property
    def efficiency(self) -> float | None:
        """Working ÷ (working + waiting), of the medians."""
        whole = self.waiting + self.working
        return self.working / whole if whole else None


def value_stream(stages: Sequence[StageOf], events: Iterable[Event]) -> ValueStream:
    """The times of every stage. Of several starts or entries the first counts, of several finishes the last."""
    seen: dict[tuple[str, Any], dict[str, datetime]] = {}
    for event in sorted(events, key=lambda e: (e.at, e.run)):
        moments = seen.setdefault((event.run, event.stage), {})
        if event.kind == "finished":
            moments["finished"] = event.at
        else:
            moments.setdefault(event.kind, event.at)
    runs = dict.fromkeys(run for run, _ in seen)
    waiting: list[list[timedelta]] = [[] for _ in stages]
    working: list[list[timedelta]] = [[] for _ in stages]
    for run in runs:
        before: datetime | None = None
        for place, stage in enumerate(stages):
            moments = seen.get((run, stage.id), {})
            started, finished = moments.get("started"), moments.get("finished")
            since = before or moments.get("entered")
            if started and since:
                waiting[place].append(max(started - since, ZERO))
            if started and finished and finished >= started:
                working[place].append(finished - started)
            before = finished or before
    found = tuple(
        StageTimes(
            stage.id,
            Times(tuple(waiting[place])),
            Times(tuple(working[place])),
            place > 0 and stage.team is not None and stages[place - 1].team not in (None, stage.team),
        )
        for place, stage in enumerate(stages)
    )
    waits = [s for s in found if s.waiting.median]
    longest = max(waits, key=lambda s: s.waiting.median or ZERO, default=None)
    return ValueStream(found, longest.stage if longest else None, len(runs))
