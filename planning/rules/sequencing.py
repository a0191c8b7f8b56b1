"""Placing features into iterations so that nothing stands before what it needs and no team takes more than it can.

Greedy by WSJF with look-ahead: an iteration is filled from the front of the queue, and a feature's turn counts with
the best chain of features that it opens. What does not fit lets smaller ones pass; what never fits says why.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

NO_SCORE = 0.0


@dataclass(frozen=True, slots=True)
class Item:
    """A feature to place. `cost` is its cost of delay, `job` its job size: cost ÷ job is its WSJF.

    fixed      the slot it keeps (it stands in the plan already); its size counts against capacity
    earliest   the first slot it may take, because of what it needs from elsewhere
    latest     the last slot it may take, because somebody needs it after that
    late_for   who needs it before the first slot already: nothing here can help them
    obstacle   why it cannot be placed at all (no team, no estimate, waits for what is in no plan)
    """

    id: Hashable
    label: str
    team: Hashable | None
    size: int
    cost: float = 0.0
    job: float = 1.0
    age: int = 0
    fixed: int | None = None
    earliest: int = 0
    latest: int | None = None
    obstacle: str = ""
    late_for: tuple[str, ...] = ()

    @property
    def wsjf(self) -> float:
        return self.cost / self.job if self.job else NO_SCORE


@dataclass(slots=True)
class Placement:
    """Where an item landed (`slot` None: nowhere) and why."""

    item: Item
    slot: int | None
    turn: int
    priority: float
    pulled_by: tuple[str, ...] = ()
    waits_for: tuple[str, ...] = ()
    waited_by: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()
    reason: str = ""


@dataclass(slots=True)
class Proposal:
    """The whole answer: placements in their turn, what stays out, cycles by name, room left by team and slot."""

    placed: list[Placement] = field(default_factory=list)
    left_out: list[Placement] = field(default_factory=list)
    cycles: list[tuple[str, ...]] = field(default_factory=list)
    room: dict[tuple[Any, int], int] = field(default_factory=dict)


def propose(
    items: Iterable[Item],
    needs: Iterable[tuple[Hashable, Hashable]],
    slots: Sequence[str],
    capacity: Mapping[tuple[Any, int], int],
) -> Proposal:
    """Place the items. `needs` are (needing, needed) pairs of ids; `capacity` is points by (team, slot).

    A provider lands in an earlier slot than who needs it. Pairs with unknown ids are not looked at.
    """
    every = {item.id: item for item in items}
    providers: dict[Any, list[Any]] = {i: [] for i in every}
    consumers: dict[Any, list[Any]] = {i: [] for i in every}
    for consumer, provider in dict.fromkeys(needs):
        if consumer in every and provider in every:
            providers[consumer].append(provider)
            consumers[provider].append(consumer)
    work = _Work(every, providers, consumers, list(slots), dict(capacity))
    work.look_ahead()
    work.take_fixed()
    work.fill()
    return work.proposal()


class _Work:
    """One run: what is known of each item while slots are filled from the first to the last."""

    def __init__(
        self,
        items: dict[Any, Item],
        providers: dict[Any, list[Any]],
        consumers: dict[Any, list[Any]],
        slots: list[str],
        room: dict[tuple[Any, int], int],
    ):
        self.items, self.providers, self.consumers = items, providers, consumers
        self.slots, self.room = slots, room
        self.offered = dict(room)
        self.slot: dict[Any, int] = {}
        self.order: list[Any] = []
        self.stuck: dict[Any, str] = {}
        self.passed: dict[Any, list[str]] = {}
        self.chain: dict[Any, tuple[float, float, Any]] = {}
        self.cycles: list[tuple[str, ...]] = []
        self.topological: list[Any] = []

    def look_ahead(self) -> None:
        """The best ratio of cost to size over the chains that an item opens, computed from the far ends.

        Items in a cycle cannot be placed; one cycle of each knot is named.
        """
        import networkx as nx

        graph = nx.DiGraph()
        graph.add_nodes_from(self.items)
        graph.add_edges_from((p, c) for c, listed in self.providers.items() for p in listed)
        for knot in nx.strongly_connected_components(graph):
            if len(knot) > 1:
                self.cycles.append(self._cycle(nx, graph.subgraph(knot)))
        # What stands in the plan already waits for nothing here: a cycle through it is named, but holds nobody up.
        graph.remove_edges_from([(p, c) for p, c in graph.edges if self.items[c].fixed is not None])
        for knot in nx.strongly_connected_components(graph):
            if len(knot) > 1:
                names = self._cycle(nx, graph.subgraph(knot))
                self.stuck |= dict.fromkeys(knot, "These need each other: " + " needs ".join(names) + ".")
        self.topological = list(
            nx.topological_sort(graph.subgraph(i for i in self.items if i not in self.stuck))
        )
        for ident in reversed(self.topological):
            item = self.items[ident]
            best = (item.cost, item.job, None)
            for consumer in self.consumers[ident]:
                if consumer not in self.chain or self.items[consumer].fixed is not None:
                    continue
                cost, job, _ = self.chain[consumer]
                together = (item.cost + cost, item.job + job, consumer)
                if _ratio(together) > _ratio(best):
                    best = together
            self.chain[ident] = best

    def _cycle(self, nx: Any, knot: Any) -> tuple[str, ...]:
        start = min(knot, key=lambda ident: self.items[ident].label)
        # An edge leads from provider to consumer; people say "needs", so the round is walked backwards.
        names = [self.items[consumer].label for _, consumer in reversed(nx.find_cycle(knot, start))]
        return (*names, names[0])

    def take_fixed(self) -> None:
        """What stands in the plan keeps its place, also above capacity: the board shows that apart."""
        for ident, item in self.items.items():
            if item.fixed is not None:
                self.slot[ident] = item.fixed
                cell = (item.team, item.fixed)
                self.room[cell] = self.room.get(cell, 0) - item.size
            elif item.obstacle:
                self.stuck.setdefault(ident, item.obstacle)

    def _key(self, ident: Any) -> tuple[float, float, int, str]:
        item = self.items[ident]
        return (-_ratio(self.chain.get(ident, (0, 1, None))), -item.wsjf, item.age, item.label)

    def fill(self) -> None:
        """Slot after slot: who may stand here, by priority, as long as the team has room."""
        open_needs = {
            ident: sum(p not in self.slot for p in self.providers[ident])
            for ident in self.items
            if ident not in self.slot and ident not in self.stuck
        }
        waiting: dict[int, list[Any]] = {}
        for ident, count in open_needs.items():
            if not count:
                waiting.setdefault(self._opens(ident), []).append(ident)
        queue: list[tuple[Any, Any]] = []
        for number in range(len(self.slots)):
            for ident in waiting.pop(number, ()):
                insort(queue, (self._key(ident), ident), key=lambda entry: entry[0])
            kept: list[tuple[Any, Any]] = []
            ahead: dict[Any, list[str]] = {}
            for entry in queue:
                ident = entry[1]
                item = self.items[ident]
                if item.latest is not None and number > item.latest:
                    self.stuck[ident] = self._too_late(item)
                    continue
                if item.size > self.room.get((item.team, number), 0):
                    kept.append(entry)
                    self.passed[ident] = ahead.get(item.team, [])[:3]
                    continue
                self.room[item.team, number] -= item.size
                self.slot[ident] = number
                self.order.append(ident)
                ahead.setdefault(item.team, []).append(item.label)
                for consumer in self.consumers[ident]:
                    if consumer in open_needs and consumer not in self.slot:
                        open_needs[consumer] -= 1
                        if not open_needs[consumer]:
                            waiting.setdefault(self._opens(consumer), []).append(consumer)
            queue = kept

    def _opens(self, ident: Any) -> int:
        """The first slot in which an item whose providers are all placed may stand."""
        after = max((self.slot[p] + 1 for p in self.providers[ident] if p in self.slot), default=0)
        return max(after, self.items[ident].earliest, 0)

    # -- sentences --

    def _too_late(self, item: Item) -> str:
        assert item.latest is not None
        return f"It is needed after {self.slots[item.latest]}, and its team has no room until then."

    def proposal(self) -> Proposal:
        found = Proposal(cycles=self.cycles, room=self.room)
        for turn, ident in enumerate(sorted(self.order, key=lambda i: self.slot[i]), 1):
            found.placed.append(self._placement(ident, turn))
        # Providers first: who waits for them says so by name.
        rest = [i for i in self.topological if i not in self.slot]
        rest += [i for i in self.items if i not in self.slot and i not in set(rest)]
        for ident in rest:
            self.stuck.setdefault(ident, self._why_not(ident))
        found.left_out = [self._placement(ident, 0) for ident in sorted(rest, key=self._key)]
        return found

    def _placement(self, ident: Any, turn: int) -> Placement:
        item = self.items[ident]
        cost, job, _ = self.chain.get(ident, (item.cost, item.job, None))
        placed = Placement(
            item=item,
            slot=self.slot.get(ident),
            turn=turn,
            priority=cost / job if job else NO_SCORE,
            pulled_by=self._opened(ident),
            waits_for=tuple(self.items[p].label for p in self.providers[ident]),
            waited_by=tuple(self.items[c].label for c in self.consumers[ident]),
            passed=tuple(self.passed.get(ident, ())),
        )
        placed.reason = self.stuck[ident] if placed.slot is None else self._why_here(placed)
        return placed

    def _opened(self, ident: Any) -> tuple[str, ...]:
        names, following = [], self.chain.get(ident, (0, 1, None))[2]
        while following is not None:
            names.append(self.items[following].label)
            following = self.chain[following][2]
        return tuple(names)

    def _why_here(self, placed: Placement) -> str:
        item, slot = placed.item, placed.slot
        assert slot is not None
        said = [f"WSJF {item.wsjf:.1f}" if item.cost else "Not scored"]
        if placed.pulled_by:
            said.append(f"opens {_listed(placed.pulled_by)}, together {placed.priority:.1f}")
        latest = max(
            (p for p in self.providers[item.id] if p in self.slot), key=self.slot.__getitem__, default=None
        )
        opens = self._opens(item.id)
        if latest is not None and self.slot[latest] >= 0 and opens == self.slot[latest] + 1:
            said.append(f"after {self.items[latest].label} in {self.slots[self.slot[latest]]}")
        elif item.earliest == opens and opens:
            said.append(f"what it needs from elsewhere is there by {self.slots[opens]}")
        else:
            said.append("waits for nothing")
        if slot > opens:
            before = f" after {_listed(placed.passed)}" if placed.passed else ""
            where = (
                self.slots[opens] if slot == opens + 1 else f"{self.slots[opens]} to {self.slots[slot - 1]}"
            )
            said.append(f"no room for {item.size} points in {where}{before}")
        if item.late_for:
            said.append(f"late for {_listed(item.late_for)} already")
        return "; ".join(said) + "."

    def _why_not(self, ident: Any) -> str:
        item = self.items[ident]
        for provider in self.providers[ident]:
            if provider not in self.slot:
                return f"It waits for {self.items[provider].label}, which is not placed."
        opens = self._opens(ident)
        if opens >= len(self.slots):
            return "What it needs lands in the last iteration; it could only follow after it."
        until = len(self.slots) if item.latest is None else min(len(self.slots), item.latest + 1)
        if until <= opens:
            return "What it needs lands later than somebody needs it."
        room = max((self.offered.get((item.team, n), 0) for n in range(opens, until)), default=0)
        if item.size > room:
            if room:
                return f"Its {item.size} points are more than the team can take in any iteration ({room}). Split it."
            return "Its team has no capacity in these iterations."
        before = f" Before it: {_listed(tuple(self.passed[ident]))}." if self.passed.get(ident) else ""
        return f"No room for {item.size} points up to {self.slots[until - 1]}.{before}"


def _ratio(chain: tuple[float, float, Any]) -> float:
    return chain[0] / chain[1] if chain[1] else NO_SCORE


def _listed(names: tuple[str, ...]) -> str:
    shown = list(names[:3])
    if len(names) > 3:
        shown.append(f"{len(names) - 3} more")
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " and " + shown[-1]
