"""What is hit when configuration items change: a breadth-first walk over typed relations, bounded and cycle-safe."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

# Over which end of a relation an impact travels: A depends on B, so a change of B reaches A.
TOWARDS_SOURCE = ("depends_on", "runs_on", "contains", "connects_to")
TOWARDS_TARGET = ("provides", "connects_to")

FURTHEST, MOST = 10, 2_000


@dataclass(frozen=True, slots=True)
class Edge:
    """One relation as stored."""

    source: UUID
    kind: str
    target: UUID


@dataclass(frozen=True, slots=True)
class Step:
    """The impact went from one item to the next over a relation of this kind."""

    came_from: UUID
    kind: str
    reached: UUID


@dataclass(frozen=True)
class Walk:
    """The shortest way to each item that is hit; `cut` says that there was more than the bounds allow."""

    ways: dict[UUID, tuple[Step, ...]]
    cut: bool


def travels(edge: Edge) -> list[Step]:
    """The directions in which an impact goes over a relation."""
    steps = []
    if edge.kind in TOWARDS_SOURCE:
        steps.append(Step(edge.target, edge.kind, edge.source))
    if edge.kind in TOWARDS_TARGET:
        steps.append(Step(edge.source, edge.kind, edge.target))
    return steps


def walk(
    starts: Iterable[UUID],
    edges_at: Callable[[Collection[UUID]], Iterable[Edge]],
    *,
    hops: int = FURTHEST,
    most: int = MOST,
) -> Walk:
    """Walk from the items that change, level by level; `edges_at` gives all relations that touch a set of items.

    Every item is reached once, by one of its shortest ways (the smallest by id where several are equally short),
    so cycles end by themselves.
    """
    ways: dict[UUID, tuple[Step, ...]] = dict.fromkeys(starts, ())
    level = sorted(ways)
    for _ in range(hops):
        steps = sorted(
            {
                step
                for edge in edges_at(level)
                for step in travels(edge)
                if step.came_from in ways and step.reached not in ways
            },
            key=lambda step: (step.came_from, step.reached, step.kind),
        )
        here = set(level)
        level = []
        for step in steps:
            if step.reached in ways or step.came_from not in here:
                continue
            if len(ways) >= most:
                return Walk(ways, True)
            ways[step.reached] = (*ways[step.came_from], step)
            level.append(step.reached)
        if not level:
            return Walk(ways, False)
    further = any(
        step.came_from in ways and step.reached not in ways
        for edge in edges_at(level)
        for step in travels(edge)
    )
    return Walk(ways, further)
