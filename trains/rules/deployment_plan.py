"""Deployment plans as graphs: what contradicts itself, what is out of order, what is next, and when it will be over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import networkx as nx

MOST_STEPS = 200
EXPAND, DEPLOY, MIGRATE, VERIFY, SWITCH, CONTRACT, MANUAL = KINDS = (
    "schema_expand",
    "deploy",
    "migrate",
    "verify",
    "switch",
    "schema_contract",
    "manual",
)
_WORDS = {
    EXPAND: "its schema is expanded",
    DEPLOY: "it is deployed",
    MIGRATE: "its data is migrated",
    SWITCH: "traffic is switched",
    CONTRACT: "its schema is contracted",
}
# For one service in one environment the first comes before the second, wherever a plan has both.
ORDER = (
    (EXPAND, DEPLOY),
    (EXPAND, MIGRATE),
    (DEPLOY, SWITCH),
    (DEPLOY, CONTRACT),
    (MIGRATE, CONTRACT),
    (SWITCH, CONTRACT),
)


class Standing(StrEnum):
    """Where a step stands, seen with those that it waits for."""

    WAITING = "waiting"
    READY = "ready"
    RUNNING = "running"
    LAPSED = "lapsed"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """A step as the rules need it; `state` is what is on record, `held_until` the end of its lease."""

    number: int
    kind: str
    title: str = ""
    service: str = ""
    environment: str = ""
    minutes: int = 1
    after: tuple[int, ...] = ()
    state: str = "waiting"
    held_until: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a plan cannot be carried out so, the steps it is about, and what would put it right."""

    code: str
    sentence: str
    remedy: str
    steps: tuple[int, ...] = ()


def graph_of(steps: Iterable[Step]) -> nx.DiGraph:
    """The graph of a plan: an edge leads from a step to what waits for it."""
    graph = nx.DiGraph()
    listed = list(steps)
    graph.add_nodes_from(step.number for step in listed)
    known = set(graph)
    graph.add_edges_from((before, step.number) for step in listed for before in step.after if before in known)
    return graph


def faults(steps: Sequence[Step], needs: Iterable[tuple[str, str]] = ()) -> list[Fault]:
    """Everything that is wrong with a plan. `needs`: pairs of a consumer and its provider, by name."""
    known = {step.number for step in steps}
    found = [
        Fault(
            "unknown",
            f"Step {step.number} waits for step {before}, and there is none.",
            "Name a step of the plan.",
            (step.number,),
        )
        for step in steps
        for before in step.after
        if before not in known
    ]
    graph = graph_of(steps)
    circle = next(iter(nx.simple_cycles(graph)), None) if not nx.is_directed_acyclic_graph(graph) else None
    if circle:
        path = " → ".join(str(number) for number in [*circle, circle[0]])
        found.append(
            Fault(
                "circle",
                f"Steps wait for each other in a circle: {path}.",
                "Take one of them out.",
                tuple(circle),
            )
        )
    if found:
        return found
    return [*_order_faults(steps, graph), *_provider_faults(steps, graph, needs)]


def _order_faults(steps: Sequence[Step], graph: nx.DiGraph) -> list[Fault]:
    found = []
    before = {number: nx.ancestors(graph, number) for number in graph}
    for first, second in ORDER:
        for one in steps:
            for other in steps:
                if (
                    one.kind == first
                    and other.kind == second
                    and one.service
                    and (one.service, one.environment) == (other.service, other.environment)
                    and one.number not in before[other.number]
                ):
                    found.append(
                        Fault(
                            "order",
                            f"{one.service} in {one.environment or 'no environment'}: {_WORDS[first]} (step {one.number})"
                            f" before {_WORDS[second]} (step {other.number}), and nothing holds step {other.number} back.",
                            f"Let step {other.number} wait for step {one.number}.",
                            (one.number, other.number),
                        )
                    )
    return found


def _provider_faults(
    steps: Sequence[Step], graph: nx.DiGraph, needs: Iterable[tuple[str, str]]
) -> list[Fault]:
    """The provider is deployed before its consumer. Services that need each other both ways have no order."""
    relied = nx.DiGraph((consumer, provider) for consumer, provider in needs if consumer != provider)
    group = {name: n for n, part in enumerate(nx.strongly_connected_components(relied)) for name in part}
    found = []
    deploys = [step for step in steps if step.kind == DEPLOY and step.service]
    for consumer in deploys:
        behind = nx.ancestors(graph, consumer.number)
        for provider in deploys:
            if (
                relied.has_edge(consumer.service, provider.service)
                and group[consumer.service] != group[provider.service]
                and consumer.environment == provider.environment
                and provider.number not in behind
            ):
                found.append(
                    Fault(
                        "provider",
                        f"{consumer.service} relies on {provider.service}, and step {consumer.number} does not wait for"
                        f" step {provider.number}, which deploys it.",
                        f"Let step {consumer.number} wait for step {provider.number}.",
                        (provider.number, consumer.number),
                    )
                )
    return found


@dataclass(frozen=True, slots=True)
class Slot:
    """When a step may begin and end, in minutes from the start of the plan, and by how much it may be late."""

    start: int
    end: int
    slack: int

    @property
    def critical(self) -> bool:
        return self.slack == 0


def slots(steps: Sequence[Step]) -> dict[int, Slot]:
    """The earliest place of each step by the estimates, with its slack. The graph has no circle."""
    graph, minutes = graph_of(steps), {step.number: step.minutes for step in steps}
    order = list(nx.topological_sort(graph))
    start: dict[int, int] = {}
    for number in order:
        start[number] = max((start[b] + minutes[b] for b in graph.predecessors(number)), default=0)
    total = max((start[n] + minutes[n] for n in order), default=0)
    latest: dict[int, int] = {}
    for number in reversed(order):
        latest[number] = min((latest[a] for a in graph.successors(number)), default=total) - minutes[number]
    return {n: Slot(start[n], start[n] + minutes[n], latest[n] - start[n]) for n in order}


def critical_path(steps: Sequence[Step]) -> list[int]:
    """The longest way through the plan: whatever is late on it makes the whole plan late."""
    graph, minutes = graph_of(steps), {step.number: step.minutes for step in steps}
    if not graph:
        return []
    weighted = nx.DiGraph()
    weighted.add_nodes_from(sorted(graph))
    # An edge carries the time of the step that it leaves; the end gathers that of the last ones.
    weighted.add_weighted_edges_from((a, b, minutes[a]) for a, b in graph.edges)
    weighted.add_weighted_edges_from((n, 0, minutes[n]) for n in sorted(graph))
    return [number for number in nx.dag_longest_path(weighted) if number]


def standings(steps: Sequence[Step], at: datetime) -> dict[int, Standing]:
    """Where each step stands: a failed one stops all that wait for it, a lease that ran out makes it free again."""
    graph, states = graph_of(steps), {step.number: step.state for step in steps}
    stopped = {a for n, state in states.items() if state == "failed" for a in nx.descendants(graph, n)}
    found = {}
    for step in steps:
        if step.state in ("done", "failed", "skipped"):
            found[step.number] = Standing(step.state)
        elif step.state == "running":
            lapsed = step.held_until is None or step.held_until <= at
            found[step.number] = Standing.LAPSED if lapsed else Standing.RUNNING
        elif step.number in stopped:
            found[step.number] = Standing.STOPPED
        else:
            free = all(states[before] in ("done", "skipped") for before in graph.predecessors(step.number))
            found[step.number] = Standing.READY if free else Standing.WAITING
    return found


def forecast(steps: Sequence[Step], start: datetime, at: datetime) -> dict[int, tuple[datetime, datetime]]:
    """When each step began or will begin, and ended or will end, by what has happened and by the estimates."""
    graph, by_number = graph_of(steps), {step.number: step for step in steps}
    found: dict[int, tuple[datetime, datetime]] = {}
    for number in nx.topological_sort(graph):
        step = by_number[number]
        free = max((found[b][1] for b in graph.predecessors(number)), default=start)
        lasts = timedelta(minutes=step.minutes)
        if step.finished_at is not None:
            began = step.started_at or step.finished_at
            found[number] = (began, step.finished_at)
        elif step.started_at is not None and step.state == "running":
            found[number] = (step.started_at, max(step.started_at + lasts, at))
        else:
            began = max(free, at) if start <= at else free
            found[number] = (began, began + lasts)
    return found


def suggested_order(services: Sequence[str], needs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """For each service those of the others that it waits for: its providers, unless they need each other."""
    relied = nx.DiGraph((consumer, provider) for consumer, provider in needs if consumer != provider)
    group: Mapping[str, int] = {
        name: n for n, part in enumerate(nx.strongly_connected_components(relied)) for name in part
    }
    return {
        name: [
            other
            for other in services
            if relied.has_edge(name, other) and group.get(name) != group.get(other)
        ]
        for name in services
    }
