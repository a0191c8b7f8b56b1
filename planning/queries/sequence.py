"""A train's features in the order in which they can be built: read, judged by the rule, ready to show or apply."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from planning.models import Feature, FeatureDependency
from planning.rules import sequencing as rules
from planning.rules.graph import cycle_sentence
from planning.states import LIVE_DEPENDENCY, OPEN, UNREFINED, FeatureState
from releasetrain.kernel.canonical import digest
from trains.models import Iteration, ProgramIncrement, Team, Train

from .capacity import Offer, offers
from .increments import today_of

_COLUMNS = (
    "id", "key", "title", "state", "team_id", "iteration_id", "points", "wsjf", "value", "time_criticality",
    "risk_reduction", "job_size", "row_version", "blocked_reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """A feature in its turn: `now` is the iteration it stands in today, `then` the proposed one."""

    feature: Feature
    placement: rules.Placement
    now: Iteration | None
    then: Iteration | None

    @property
    def moves(self) -> bool:
        return self.then is not None and self.then != self.now


@dataclass(slots=True)
class Sequence:
    """The proposal for a train. `whole` also counts what is not refined, and can therefore not be applied."""

    train: Train
    pi: ProgramIncrement | None
    iterations: list[Iteration]
    steps: list[Step] = field(default_factory=list)
    left_out: list[Step] = field(default_factory=list)
    cycles: list[str] = field(default_factory=list)
    kept: int = 0
    assumed: list[str] = field(default_factory=list)
    keep: bool = True
    whole: bool = False

    @property
    def moves(self) -> list[Step]:
        """What applying it would change on the board."""
        return [step for step in self.steps if step.moves]

    @property
    def digest(self) -> str:
        """What a preview is recognised by: every move, and the version of each feature that it was made from."""
        assert not self.whole
        return digest([[s.feature.key, str(s.then.pk), s.feature.row_version] for s in self.moves if s.then])


def sequence(
    train: Train, pi: ProgramIncrement | None = None, *, keep: bool = True, whole: bool = False
) -> Sequence:
    """Place a train's open features into the iterations that have not begun: of one PI, or of all that are open.

    `keep` leaves what is planned where it stands; `whole` places what is not refined as well, to look ahead.
    Six queries, however many features.
    """
    iterations = _iterations(train, pi)
    teams = {team.pk: team for team in Team.objects.filter(train=train)}
    slot = {iteration.pk: n for n, iteration in enumerate(iterations)}
    offered = offers(teams.values(), iterations)
    found = Sequence(train, pi, iterations, keep=keep, whole=whole)
    found.assumed = sorted(
        {teams[t].name for (t, _), offer in offered.items() if offer.assumed and t in teams}
    )
    features = {
        f.pk: f
        for f in Feature.objects.filter(train=train, state__in=OPEN)
        .select_related("iteration")
        .only(
            *_COLUMNS,
            "iteration__name",
            "iteration__starts",
            "iteration__ends",
            "created_at",
            "train_id",
            "pi_id",
        )
        .order_by("created_at", "key")
    }
    for feature in features.values():
        feature.train = train
        if feature.team_id:
            feature.team = teams.get(feature.team_id)
    bounds = _Bounds(iterations, slot, features, keep=keep)
    needs = bounds.read(train)
    items = [
        item
        for age, feature in enumerate(features.values())
        if (item := _item(feature, age, bounds, whole=whole)) is not None
    ]
    proposal = rules.propose(items, needs, [i.name for i in iterations], _capacity(offered, slot))
    found.kept = sum(item.fixed is not None for item in items)
    found.steps = [_step(p, features, iterations) for p in proposal.placed]
    found.left_out = [_step(p, features, iterations) for p in proposal.left_out]
    found.cycles = [cycle_sentence(cycle) for cycle in proposal.cycles]
    return found


def _iterations(train: Train, pi: ProgramIncrement | None) -> list[Iteration]:
    """Iterations to fill: not begun, in a Program Increment that is not closed, without those for innovation."""
    rows = Iteration.objects.filter(pi__train=train, starts__gte=today_of(train), innovation=False)
    rows = rows.filter(pi=pi) if pi else rows
    return list(rows.exclude(pi__state="closed").select_related("pi").order_by("starts", "number"))


def _capacity(
    offered: dict[tuple[uuid.UUID, uuid.UUID], Offer], slot: dict[uuid.UUID, int]
) -> dict[tuple[Any, int], int]:
    return {(team, slot[iteration]): offer.points for (team, iteration), offer in offered.items()}


class _Bounds:
    """What dependencies say about each feature that is to be placed, seen from the iterations to fill."""

    def __init__(
        self,
        iterations: list[Iteration],
        slot: dict[uuid.UUID, int],
        features: dict[Any, Feature],
        *,
        keep: bool,
    ):
        self.iterations, self.slot, self.features, self.keep = iterations, slot, features, keep
        self.earliest: dict[Any, int] = {}
        self.latest: dict[Any, int] = {}
        self.late_for: dict[Any, list[str]] = {}
        self.obstacle: dict[Any, str] = {}

    def movable(self, feature: Feature) -> bool:
        """In progress, or planned in what has begun, nothing moves; what is planned later moves unless it is kept."""
        if feature.iteration_id is None:
            return feature.state != FeatureState.IN_PROGRESS
        return not self.keep and feature.state == FeatureState.PLANNED and feature.iteration_id in self.slot

    def read(self, train: Train) -> list[tuple[Any, Any]]:
        """Pairs between features of this backlog; everything else becomes a bound."""
        rows = (
            FeatureDependency.objects.filter(state__in=LIVE_DEPENDENCY, consumer__train=train)
            .values_list(
                "consumer_id", "provider_id", "provider__key", "provider__state", "provider__iteration__starts",
                "needed_in__starts", "consumer__key", "consumer__iteration__starts",
            )
            .order_by("created_at")
        )  # fmt: skip
        pairs = []
        for consumer, provider, label, state, lands, needed, consumer_label, stands in rows:
            if provider in self.features:
                pairs.append((consumer, provider))
                stays = consumer in self.features and not self.movable(self.features[consumer])
                for day in (needed, stands if stays else None):
                    if day is not None:
                        self._by(provider, self._before(day) - 1, consumer_label)
            if provider in self.features and (
                self.movable(self.features[provider]) or self.features[provider].iteration_id in self.slot
            ):
                continue
            if state == FeatureState.DONE:
                continue
            if state == FeatureState.CANCELLED or lands is None:
                why = "was cancelled" if state == FeatureState.CANCELLED else "stands in no plan"
                self.obstacle.setdefault(consumer, f"It waits for {label}, which {why}.")
            else:
                self.earliest[consumer] = max(self.earliest.get(consumer, 0), self._until(lands))
        return pairs

    def _before(self, day: Any) -> int:
        return sum(i.starts < day for i in self.iterations)

    def _until(self, day: Any) -> int:
        return sum(i.starts <= day for i in self.iterations)

    def _by(self, provider: Any, latest: int, consumer: str) -> None:
        if latest < 0:
            self.late_for.setdefault(provider, []).append(consumer)
        else:
            self.latest[provider] = min(self.latest.get(provider, latest), latest)


def _item(feature: Feature, age: int, bounds: _Bounds, *, whole: bool) -> rules.Item | None:
    """The feature as the rule sees it; None when it stands outside the iterations to fill and stays there."""
    movable = bounds.movable(feature)
    if not movable and feature.iteration_id not in bounds.slot:
        return None
    size = feature.points or feature.job_size or 0
    job = float(feature.job_size or 1)
    cost = feature.cost_of_delay
    worth = float(cost) if cost is not None else float(feature.wsjf or 0) * job
    return rules.Item(
        id=feature.pk,
        label=feature.key,
        team=feature.team_id,
        size=size,
        cost=worth,
        job=job,
        age=age,
        fixed=None if movable else bounds.slot[feature.iteration_id],
        earliest=bounds.earliest.get(feature.pk, 0),
        latest=bounds.latest.get(feature.pk) if movable else None,
        obstacle=_obstacle(feature, bounds, whole=whole, size=size) if movable else "",
        late_for=tuple(bounds.late_for.get(feature.pk, ())),
    )


def _obstacle(feature: Feature, bounds: _Bounds, *, whole: bool, size: int) -> str:
    if not bounds.iterations:
        return "There is no iteration that has not begun. Create the next Program Increment."
    if feature.team_id is None:
        return "It has no team. Choose the team that builds it."
    if not size:
        return "It has no estimate. Give it points."
    if not whole and feature.state in UNREFINED:
        return "It is not refined. Refine it, then it can be planned."
    return bounds.obstacle.get(feature.pk, "")


def _step(placement: rules.Placement, features: dict[Any, Feature], iterations: list[Iteration]) -> Step:
    feature = features[placement.item.id]
    then = iterations[placement.slot] if placement.slot is not None else None
    return Step(feature, placement, feature.iteration, then)


def as_data(found: Sequence) -> dict[str, Any]:
    """The proposal in plain values, for REST."""
    return {
        "train": found.train.key,
        "program_increment": str(found.pi.pk) if found.pi else None,
        "iterations": [
            {"id": i.pk, "name": i.name, "starts": i.starts, "ends": i.ends} for i in found.iterations
        ],
        "keep": found.keep,
        "whole": found.whole,
        "kept": found.kept,
        "capacity_assumed_for": found.assumed,
        "cycles": found.cycles,
        "digest": None if found.whole else found.digest,
        "moves": 0 if found.whole else len(found.moves),
        "steps": [_plain(s) for s in found.steps],
        "left_out": [_plain(s) for s in found.left_out],
    }


def _plain(step: Step) -> dict[str, Any]:
    placed = step.placement
    return {
        "turn": placed.turn or None,
        "feature": step.feature.key,
        "title": step.feature.title,
        "team": step.feature.team.code if step.feature.team_id and step.feature.team else None,
        "now": step.now.name if step.now else None,
        "iteration": step.then.name if step.then else None,
        "wsjf": round(placed.item.wsjf, 2),
        "priority": round(placed.priority, 2),
        "waits_for": _names(placed.waits_for),
        "waited_by": _names(placed.waited_by),
        "reason": placed.reason,
    }


def _names(labels: Iterable[str]) -> list[str]:
    return list(labels)
