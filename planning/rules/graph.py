"""Dependency graphs: cycles by name."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, TypeVar

Node = TypeVar("Node", bound=Hashable)


def cycle_sentence(cycle: tuple[Any, ...]) -> str:
    """The cycle in words: A needs B needs A."""
    return "These need each other: " + " needs ".join(str(node) for node in cycle) + "."


def find_cycle(needs: Iterable[tuple[Node, Node]]) -> tuple[Node, ...] | None:
    """A cycle of (needing, needed) pairs, first node repeated at the end; None without one.

    Not recursive, so long chains are fine.
    """
    neighbours: dict[Node, list[Node]] = {}
    for source, target in needs:
        neighbours.setdefault(source, []).append(target)
    finished: set[Node] = set()
    for root in list(neighbours):
        if root in finished:
            continue
        path: dict[Node, None] = {root: None}
        stack = [iter(neighbours[root])]
        while stack:
            following = next((node for node in stack[-1] if node not in finished), None)
            if following is None:
                stack.pop()
                finished.add(path.popitem()[0])
            elif following in path:
                nodes = list(path)
                return (*nodes[nodes.index(following) :], following)
            else:
                path[following] = None
                stack.append(iter(neighbours.get(following, ())))
    return None


def would_cycle(needs: Iterable[tuple[Node, Node]], new: tuple[Node, Node]) -> tuple[Node, ...] | None:
    """The cycle that adding one more pair would close: from the needing node, through the new pair, back to
    it."""
    neighbours: dict[Node, list[Node]] = {}
    for source, target in needs:
        neighbours.setdefault(source, []).append(target)
    start, goal = new[1], new[0]
    came: dict[Node, Node | None] = {start: None}
    waiting = [start]
    for node in waiting:
        if node == goal:
            path = [node]
            while (before := came[path[-1]]) is not None:
                path.append(before)
            return (goal, *reversed(path))
        for following in neighbours.get(node, ()):
            if following not in came:
                came[following] = node
                waiting.append(following)
    return None
