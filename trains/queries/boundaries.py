"""Train boundaries of an organization: couplings with their costs, today's crossings, a proposal, a what-if."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import Count

from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refusal, Refused
from trains.models import Coupling, Deployment, Environment, Service, Team, Train
from trains.rules import boundaries as rules

PACE_WEEKS = 13
MOST_MOVES = 20
NEW = "new"


@dataclass(frozen=True)
class Group:
    """A train of today, or a new one that the proposal or a what-if makes up."""

    name: str
    train: Train | None = None
    teams: tuple[Team, ...] = ()
    services: int = 0

    @property
    def people(self) -> int:
        return sum(team.people for team in self.teams)


@dataclass(frozen=True)
class Crossing:
    """An edge as the page shows it: both services, how they are coupled, and where it crosses."""

    one: Service
    other: Service
    kinds: tuple[tuple[str, int], ...]
    cost: float
    pace: float
    today: bool
    then: bool
    proposed: bool

    @property
    def words(self) -> str:
        """How they are coupled, in words."""
        labels = dict(Coupling.Kind.choices)
        return ", ".join(f"{labels[kind].lower()} × {strength}" for kind, strength in self.kinds)


@dataclass(frozen=True)
class Side:
    """Figures of one way to draw the boundaries."""

    groups: list[Group]
    crossings: int
    cost: float


@dataclass(frozen=True)
class Move:
    """A team on another train, only thought of."""

    team: Team
    train: Train | None

    @property
    def word(self) -> str:
        return f"{self.team.code}:{self.train.key if self.train else NEW}"

    @property
    def target(self) -> str:
        return self.train.name if self.train else "a new train"


@dataclass(frozen=True)
class Analysis:
    """Everything the boundary analysis says."""

    couplings: int
    services: int
    whole: float
    today: Side
    then: Side
    proposal: Side
    crossings: list[Crossing]
    moves: list[Move] = field(default_factory=list)
    proposed_moves: list[Move] = field(default_factory=list)

    def dearest(self, number: int = 3) -> list[Crossing]:
        """The most expensive couplings between trains, as drawn by the what-if; today's without one."""
        return [c for c in self.crossings if c.then][:number]


def read_moves(words: Iterable[str]) -> list[Move]:
    """Moves from words like LED:PAY, or LED:new; Refused (422) for what there is not."""
    given = [word for word in words if word]
    if len(given) > MOST_MOVES:
        raise Refused(Refusal("move.many", f"At most {MOST_MOVES} moves at once.", field="move", status=422))
    parted = [word.partition(":")[::2] for word in given]
    teams = {t.code: t for t in Team.objects.filter(code__in=[code for code, _ in parted])}
    trains = {t.key: t for t in Train.objects.filter(key__in=[key for _, key in parted])}
    found: dict[uuid.UUID, Move] = {}
    for code, key in parted:
        if code not in teams:
            raise Refused(Refusal("move.team", f"There is no team {code[:40]}.", field="move", status=422))
        if key != NEW and key not in trains:
            raise Refused(
                Refusal(
                    "move.train",
                    f"There is no train {key[:40]}.",
                    remedy=f"Write the code of a team, a colon, and the code of a train or {NEW}.",
                    field="move",
                    status=422,
                )
            )
        found[teams[code].pk] = Move(teams[code], trains.get(key))
    return list(found.values())


def analyse(moves: Iterable[Move] = ()) -> Analysis:
    """The analysis of the whole organization, in a fixed number of queries. Nothing is written."""
    services = {s.pk: s for s in Service.objects.select_related("team", "train")}
    weekly = _weekly()
    parts = {
        s.pk: rules.Part(
            s.pk, s.team_id, s.team.train_id if s.team else s.train_id, weekly.get(s.pk, 0) / PACE_WEEKS
        )
        for s in services.values()
    }
    ties = [
        rules.Tie(*row)
        for row in Coupling.objects.filter(ended_at__isnull=True)
        .order_by("pk")
        .values_list("source_id", "target_id", "kind", "strength")
    ]
    listed = rules.edges(parts, ties)
    trains = {t.pk: t for t in Train.objects.filter(archived_at__isnull=True).order_by("key")}
    teams = {t.pk: t for t in Team.objects.select_related("train").order_by("code")}
    thought = list(moves)
    today = rules.places_today(parts) | {t.pk: t.train_id for t in teams.values()}
    then = today | {m.team.pk: m.train.pk if m.train else NEW for m in thought}
    proposal = today | rules.propose(parts, listed)
    sides = [
        (places, {id(e) for e in rules.crossing(parts, listed, places)}) for places in (today, then, proposal)
    ]
    crossings = [
        Crossing(
            services[edge.one], services[edge.other], edge.kinds, edge.cost, round(edge.pace, 1),
            *(id(edge) in cut for _, cut in sides),
        )
        for edge in listed
        if any(id(edge) in cut for _, cut in sides)
    ]  # fmt: skip
    drawn = [
        Side(
            _groups(places, trains, teams, parts),
            len(cut),
            rules.total(e for e in listed if id(e) in cut),
        )
        for places, cut in sides
    ]
    proposed = [
        Move(team, trains.get(proposal[pk]))
        for pk, team in teams.items()
        if proposal.get(pk) != today.get(pk)
    ]
    return Analysis(len(ties), len(services), rules.total(listed), *drawn, crossings, thought, proposed)


def _weekly() -> dict[uuid.UUID, int]:
    """Production deployments of each service in the last quarter."""
    since = now() - timedelta(weeks=PACE_WEEKS)
    rows = (
        Deployment.objects.filter(environment__kind=Environment.Kind.PRODUCTION, started_at__gte=since)
        .values_list("service_id")
        .annotate(n=Count("pk"))
        .order_by()
    )
    return dict(rows)


def _groups(
    places: Mapping[Any, Any],
    trains: Mapping[Any, Train],
    teams: Mapping[Any, Team],
    parts: Mapping[Any, rules.Part],
) -> list[Group]:
    """Trains with their teams, largest first; new ones are numbered."""
    crews: dict[Any, list[Team]] = {place: [] for place in places.values() if place is not None}
    for pk, team in teams.items():
        if places.get(pk) is not None:
            crews[places[pk]].append(team)
    riding = Counter(places.get(part.crew) for part in parts.values())
    order = sorted(crews, key=lambda place: (place not in trains, -len(crews[place]), str(place)))
    fresh = 0
    found = []
    for place in order:
        train = trains.get(place)
        if train is None:
            fresh += 1
        name = train.name if train else f"New train {fresh}"
        found.append(Group(name, train, tuple(crews[place]), riding[place]))
    return found
