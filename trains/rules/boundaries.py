"""Train boundaries: what a coupling between trains costs, and which teams belong together.

The cost of a coupling is its factor by kind, times its strength, times the pace of the busier of its two services.
A pace is one and the production deployments of a week, up to a limit. Teams board trains as a whole, so teams are
grouped, by community detection (Louvain) on the couplings between them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

# Data that two services share cannot change on one side alone; a contract was made so that it can.
FACTORS = {"shared_data": 4, "co_change": 3, "calls": 2, "contract": 1}
FASTEST = 10.0
SEED = 20240401


@dataclass(frozen=True, slots=True)
class Part:
    """A service, whose it is today, and its production deployments a week."""

    id: Any
    team: Any
    train: Any
    weekly: float = 0.0

    @property
    def crew(self) -> Any:
        """What moves as a whole: the team, or a service that nobody owns."""
        return self.team if self.team is not None else ("service", self.id)


@dataclass(frozen=True, slots=True)
class Tie:
    """One coupling of two services."""

    source: Any
    target: Any
    kind: str
    strength: int


@dataclass(frozen=True, slots=True)
class Edge:
    """All couplings of two services, with their cost when a boundary of trains runs between them."""

    one: Any
    other: Any
    kinds: tuple[tuple[str, int], ...]
    weight: float
    pace: float

    @property
    def cost(self) -> float:
        return round(self.weight * self.pace, 1)


def pace(weekly: float) -> float:
    """One for a service that rests, more for each deployment a week."""
    return 1 + min(max(weekly, 0.0), FASTEST)


def edges(parts: Mapping[Any, Part], ties: Iterable[Tie]) -> list[Edge]:
    """One edge for each two services, the most expensive first. Ties of unknown services are left out."""
    kinds: dict[tuple[Any, Any], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for tie in ties:
        if tie.source in parts and tie.target in parts and tie.source != tie.target:
            ends = sorted((tie.source, tie.target), key=str)
            kinds[ends[0], ends[1]][tie.kind] += tie.strength
    found = [
        Edge(
            one,
            other,
            tuple(sorted(by_kind.items())),
            float(sum(FACTORS[kind] * strength for kind, strength in by_kind.items())),
            pace(max(parts[one].weekly, parts[other].weekly)),
        )
        for (one, other), by_kind in kinds.items()
    ]
    return sorted(found, key=lambda e: (-e.cost, str(e.one), str(e.other)))


def crossing(parts: Mapping[Any, Part], listed: Iterable[Edge], places: Mapping[Any, Any]) -> list[Edge]:
    """The edges that run between two groups; `places` tells the group of each crew. Unplaced crews cross nothing."""
    found = []
    for edge in listed:
        here, there = places.get(parts[edge.one].crew), places.get(parts[edge.other].crew)
        if here is not None and there is not None and here != there:
            found.append(edge)
    return found


def total(listed: Iterable[Edge]) -> float:
    """The cost of several edges together."""
    return round(sum(edge.cost for edge in listed), 1)


def places_today(parts: Mapping[Any, Part], moves: Mapping[Any, Any] | None = None) -> dict[Any, Any]:
    """The train of each crew, after moves of some. A team's services ride with the team."""
    found = {part.crew: part.train for part in parts.values() if part.train is not None}
    return found | {crew: train for crew, train in (moves or {}).items() if train is not None}


def propose(
    parts: Mapping[Any, Part],
    listed: Iterable[Edge],
    *,
    seed: int = SEED,
    resolution: float = 1.0,
) -> dict[Any, Any]:
    """A group for each crew: a train of today, or a number for a new one.

    Groups take the train whose crews they share most; crews without any coupling stay where they are. The same input
    gives the same proposal.
    """
    import networkx

    graph = networkx.Graph()
    for edge in sorted(listed, key=lambda e: (str(e.one), str(e.other))):
        one, other = parts[edge.one].crew, parts[edge.other].crew
        if one != other:
            before = graph.get_edge_data(one, other, {"weight": 0.0})["weight"]
            graph.add_edge(one, other, weight=before + edge.cost)
    today = places_today(parts)
    found = dict(today)
    if not graph:
        return found
    ordered = networkx.Graph()
    ordered.add_nodes_from(sorted(graph.nodes, key=str))
    ordered.add_edges_from(sorted(graph.edges(data=True), key=lambda e: (str(e[0]), str(e[1]))))
    groups = networkx.community.louvain_communities(
        ordered, weight="weight", seed=seed, resolution=resolution
    )
    groups = sorted(groups, key=lambda g: (-len(g), min(str(crew) for crew in g)))
    taken: set[Any] = set()
    fresh = count(1)
    for group in groups:
        name = _name(group, today, taken)
        if name is None:
            name = next(fresh)
        else:
            taken.add(name)
        found |= dict.fromkeys(group, name)
    return found


def _name(group: Iterable[Any], today: Mapping[Any, Any], taken: set[Any]) -> Any:
    """The train that most of a group rides today, unless a larger group has it already."""
    shares: dict[Any, int] = defaultdict(int)
    for crew in group:
        train = today.get(crew)
        if train is not None and train not in taken:
            shares[train] += 1
    return max(shares, key=lambda train: (shares[train], str(train)), default=None)
