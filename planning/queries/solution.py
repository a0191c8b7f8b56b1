"""A solution train rolled up: its trains, their increments, what they need of each other, and readiness per train."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, Q

from planning.models import Feature
from planning.states import FeatureState
from trains.models import (
    Milestone,
    ProgramIncrement,
    Release,
    SolutionIncrement,
    SolutionMilestone,
    SolutionTrain,
    Train,
    TrainDependency,
    TrainReadiness,
)

_CLOSED = (Release.State.CLOSED, Release.State.CANCELLED, Release.State.ROLLED_BACK, Release.State.RELEASED)
_TONE = {"ready": "ok", "at_risk": "warn", "not_ready": "bad"}


@dataclass(frozen=True)
class Member:
    """A train of the solution in the chosen increment."""

    train: Train
    increments: list[ProgramIncrement]
    features: int
    finished: int
    releases: int
    late: int


@dataclass(frozen=True)
class Readiness:
    """What one train says for an integration point; nothing yet is not ready."""

    train: Train
    report: TrainReadiness | None

    @property
    def tone(self) -> str:
        return _TONE[self.report.state] if self.report else "idle"

    @property
    def word(self) -> str:
        return self.report.get_state_display() if self.report else "No report"


@dataclass(frozen=True)
class Point:
    """An integration point with the readiness of every train."""

    milestone: SolutionMilestone
    trains: list[Readiness]

    @property
    def ready(self) -> int:
        return sum(bool(each.report and each.report.state == "ready") for each in self.trains)

    @property
    def whole(self) -> bool:
        return bool(self.trains) and self.ready == len(self.trains)


@dataclass(frozen=True)
class RollUp:
    """Everything about a solution train in one of its increments."""

    solution: SolutionTrain
    increments: list[SolutionIncrement]
    increment: SolutionIncrement | None
    members: list[Member]
    inside: list[TrainDependency]
    outside: list[TrainDependency]
    milestones: list[SolutionMilestone]
    train_milestones: list[Milestone]
    points: list[Point]

    @property
    def features(self) -> int:
        return sum(m.features for m in self.members)

    @property
    def finished(self) -> int:
        return sum(m.finished for m in self.members)

    @property
    def days(self) -> list[tuple[Any, str]]:
        """Milestones of the solution and of its trains by their day, each with whose it is."""
        whole = [(m, "the solution") for m in self.milestones]
        own = [(m, m.train.name) for m in self.train_milestones]
        return sorted([*whole, *own], key=lambda pair: (pair[0].on, pair[0].name))

    @property
    def worrying(self) -> list[TrainDependency]:
        return [d for d in (*self.inside, *self.outside) if d.state in ("proposed", "at_risk", "broken")]


def roll_up(solution: SolutionTrain, today: date, wanted: uuid.UUID | None = None) -> RollUp:
    """The roll-up, in a fixed number of queries: of the increment wanted, else of the one that covers today."""
    trains = list(
        Train.objects.filter(solutions__solution=solution, solutions__left_at__isnull=True).order_by("key")
    )
    ids = [t.pk for t in trains]
    increments = list(solution.increments.order_by("-starts"))
    increment = next((i for i in increments if i.pk == wanted), None) or next(
        (i for i in increments if i.starts <= today < i.ends), increments[0] if increments else None
    )
    between = list(
        TrainDependency.objects.filter(Q(provider__in=ids) | Q(consumer__in=ids))
        .select_related("provider", "consumer", "provider_owner", "consumer_owner", "release")
        .order_by("needed_by")
    )
    milestones = list(solution.milestones.order_by("on", "name"))
    own: list[Milestone] = []
    if increment:
        between = [
            d
            for d in between
            if d.needed_by < increment.ends and (d.needed_by >= increment.starts or _open(d))
        ]
        milestones = [m for m in milestones if increment.starts <= m.on < increment.ends]
        own = list(
            Milestone.objects.filter(train__in=ids, on__gte=increment.starts, on__lt=increment.ends)
            .select_related("train")
            .order_by("on")
        )
    inside = [d for d in between if d.provider_id in ids and d.consumer_id in ids]
    return RollUp(
        solution,
        increments,
        increment,
        _members(trains, increment, today),
        inside,
        [d for d in between if d not in inside],
        [m for m in milestones if m.kind == SolutionMilestone.Kind.MILESTONE],
        own,
        _points([m for m in milestones if m.kind == SolutionMilestone.Kind.INTEGRATION], trains),
    )


def _open(dependency: TrainDependency) -> bool:
    return dependency.state in ("proposed", "agreed", "at_risk")


def _members(trains: list[Train], increment: SolutionIncrement | None, today: date) -> list[Member]:
    increments: dict[uuid.UUID, list[ProgramIncrement]] = {}
    counts: dict[tuple[uuid.UUID, bool], int] = Counter()
    releases, late = Counter[uuid.UUID](), Counter[uuid.UUID]()
    if increment:
        rows = ProgramIncrement.objects.filter(
            train__in=trains, starts__lt=increment.ends, ends__gt=increment.starts
        ).order_by("starts")
        for pi in rows:
            increments.setdefault(pi.train_id, []).append(pi)
        found = (
            Feature.objects.filter(pi__in=[pi.pk for listed in increments.values() for pi in listed])
            .exclude(state=FeatureState.CANCELLED)
            .values_list("train_id", "state")
            .annotate(n=Count("pk"))
            .order_by()
        )
        for train, state, number in found:
            counts[train, state == FeatureState.DONE] += number
        targets = Release.objects.filter(
            train__in=trains, target_at__date__gte=increment.starts, target_at__date__lt=increment.ends
        ).exclude(state=Release.State.CANCELLED)
        for train, state, target in targets.values_list("train_id", "state", "target_at"):
            releases[train] += 1
            late[train] += state not in _CLOSED and target.date() < today
    return [
        Member(
            train,
            increments.get(train.pk, []),
            counts[train.pk, True] + counts[train.pk, False],
            counts[train.pk, True],
            releases[train.pk],
            late[train.pk],
        )
        for train in trains
    ]


def _points(milestones: list[SolutionMilestone], trains: list[Train]) -> list[Point]:
    said = {
        (r.point_id, r.train_id): r
        for r in TrainReadiness.objects.filter(point__in=milestones).select_related("said_by")
    }
    return [Point(m, [Readiness(t, said.get((m.pk, t.pk))) for t in trains]) for m in milestones]


def as_data(found: RollUp) -> dict[str, Any]:
    """The same as plain data."""
    return {
        "solution": found.solution.key,
        "name": found.solution.name,
        "increment": found.increment.name if found.increment else None,
        "features": found.features,
        "finished": found.finished,
        "trains": [
            {
                "train": m.train.key,
                "increments": [pi.name for pi in m.increments],
                "features": m.features,
                "finished": m.finished,
                "releases": m.releases,
                "late_releases": m.late,
            }
            for m in found.members
        ],
        "dependencies": [
            {
                "id": str(d.pk),
                "what": d.what,
                "provider": d.provider.key,
                "consumer": d.consumer.key,
                "needed_by": d.needed_by,
                "state": d.state,
                "inside": d in found.inside,
            }
            for d in (*found.inside, *found.outside)
        ],
        "milestones": [
            *({"name": m.name, "on": m.on, "of": found.solution.key} for m in found.milestones),
            *({"name": m.name, "on": m.on, "of": m.train.key} for m in found.train_milestones),
        ],
        "integration_points": [
            {
                "id": str(p.milestone.pk),
                "name": p.milestone.name,
                "on": p.milestone.on,
                "ready": p.ready,
                "of": len(p.trains),
                "trains": {each.train.key: (each.report.state if each.report else None) for each in p.trains},
            }
            for p in found.points
        ],
    }
