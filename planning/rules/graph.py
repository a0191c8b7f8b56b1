"""Dependency graphs: cycles by name, and an order that respects them and a priority."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from heapq import heapify, heappop, heappush
from typing import Any, TypeVar

Node = TypeVar("Node", bound=Hashable)


class CycleError(ValueError):
    """The graph has a cycle, so no order exists. `cycle` starts and ends at the same node."""

    def __init__(self, cycle: tuple[Any, ...]):
        super().__init__(cycle_sentence(cycle))
        self.cycle = cycle


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


def topological_order(
    nodes: Iterable[Node],
    needs: Iterable[tuple[Node, Node]],
    priority: Callable[[Node], Any] | None = None,
) -> tuple[Node, ...]:
    """Every node after all it needs; among free ones the lowest `priority` first, else as given.

    Raises CycleError naming a cycle. Pairs with nodes that were not given are refused.
    """
    items = list(dict.fromkeys(nodes))
    place = {node: at for at, node in enumerate(items)}
    pairs = set(needs)
    if unknown := {node for pair in pairs for node in pair} - place.keys():
        raise ValueError(f"Not among the nodes: {', '.join(sorted(map(str, unknown)))}.")
    waiting_for = dict.fromkeys(items, 0)
    waited_by: dict[Node, list[Node]] = {}
    for source, target in pairs:
        waiting_for[source] += 1
        waited_by.setdefault(target, []).append(source)

    def key(node: Node) -> tuple[Any, int]:
        return (priority(node) if priority else 0), place[node]

    free = [(*key(node), node) for node, count in waiting_for.items() if not count]
    heapify(free)
    order: list[Node] = []
    while free:
        node = heappop(free)[2]
        order.append(node)
        for source in waited_by.get(node, ()):
            waiting_for[source] -= 1
            if not waiting_for[source]:
                heappush(free, (*key(source), source))
    if len(order) < len(items):
        cycle = find_cycle(sorted(pairs, key=lambda pair: (place[pair[0]], place[pair[1]])))
        raise CycleError(cycle or ())
    return tuple(order)
