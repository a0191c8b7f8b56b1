"""Swimlanes of the board: chains of features that depend on each other."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def chains(pairs: Iterable[tuple[Node, Node]]) -> list[list[Node]]:
    """Everything that is linked, directly or through others, together: the longest chain first, members as they came."""
    import networkx

    graph = networkx.Graph()
    graph.add_edges_from(pairs)
    at = {node: number for number, node in enumerate(graph)}
    found = [sorted(part, key=at.__getitem__) for part in networkx.connected_components(graph)]
    return sorted(found, key=lambda part: (-len(part), at[part[0]]))
