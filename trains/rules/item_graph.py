"""Where to draw configuration items and their relations: columns by distance, rows by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from .impact import Edge

WIDTH, HEIGHT = 176, 44
GAP_X, GAP_Y, MARGIN = 72, 14, 12


@dataclass(frozen=True)
class Node:
    """One item as a box."""

    id: UUID
    x: int
    y: int


@dataclass(frozen=True)
class Line:
    """One relation as a curve from its source to its target, with the middle where its words stand."""

    edge: Edge
    path: str


@dataclass(frozen=True)
class Drawing:
    """The boxes, the curves, and how large the picture is."""

    nodes: tuple[Node, ...]
    lines: tuple[Line, ...]
    width: int
    height: int


def lay_out(columns: Mapping[UUID, int], order: Iterable[UUID], edges: Iterable[Edge]) -> Drawing:
    """Boxes in their columns (any whole numbers, left to right) in the given order, and a curve for each relation."""
    used = sorted(set(columns.values()))
    places: dict[UUID, Node] = {}
    depth = dict.fromkeys(used, 0)
    for each in order:
        column = columns[each]
        x = MARGIN + used.index(column) * (WIDTH + GAP_X)
        places[each] = Node(each, x, MARGIN + depth[column] * (HEIGHT + GAP_Y))
        depth[column] += 1
    tallest = max(depth.values(), default=0)
    lines = [
        Line(edge, _curve(places[edge.source], places[edge.target]))
        for edge in edges
        if edge.source in places and edge.target in places
    ]
    return Drawing(
        tuple(places.values()),
        tuple(lines),
        2 * MARGIN + max(len(used), 1) * WIDTH + max(len(used) - 1, 0) * GAP_X,
        2 * MARGIN + max(tallest, 1) * HEIGHT + max(tallest - 1, 0) * GAP_Y,
    )


def _curve(one: Node, other: Node) -> str:
    """Between the sides that face each other; within a column around its right side."""
    y1, y2 = one.y + HEIGHT // 2, other.y + HEIGHT // 2
    if one.x == other.x:
        edge = one.x + WIDTH
        out = edge + GAP_X // 2
        return f"M{edge} {y1} C{out} {y1} {out} {y2} {edge} {y2}"
    if one.x < other.x:
        x1, x2 = one.x + WIDTH, other.x
    else:
        x1, x2 = one.x, other.x + WIDTH
    middle = (x1 + x2) // 2
    return f"M{x1} {y1} C{middle} {y1} {middle} {y2} {x2} {y2}"
