"""Where deliveries between teams keep failing: counted by provider, service and cause, with what could be changed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

RECURRING = 2
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One dependency in trouble: who should deliver what to whom, in which Program Increment, and why it failed."""

    dependency: Any
    pi: str
    provider: str
    consumer: str
    service: str = ""
    cause: str = UNKNOWN
    days_late: int = 0


@dataclass(slots=True)
class Bottleneck:
    """Troubles that share a provider, a service or a cause; recurring once they fall into two Program Increments."""

    by: str
    name: str
    troubles: list[Trouble] = field(default_factory=list)

    @property
    def increments(self) -> list[str]:
        return sorted({t.pi for t in self.troubles})

    @property
    def recurring(self) -> bool:
        return len(self.increments) >= RECURRING

    @property
    def days_late(self) -> int:
        return sum(t.days_late for t in self.troubles)

    @property
    def causes(self) -> list[tuple[str, int]]:
        return Counter(t.cause for t in self.troubles).most_common()

    @property
    def consumers(self) -> list[tuple[str, int]]:
        return Counter(t.consumer for t in self.troubles).most_common()


@dataclass(frozen=True, slots=True)
class Proposal:
    """What to change, of which kind, and the figures it rests on."""

    kind: str
    sentence: str
    because: str
    dependencies: tuple[Any, ...]


def bottlenecks(troubles: Iterable[Trouble]) -> list[Bottleneck]:
    """Bottlenecks of each view: recurring ones first, then those in more increments, with more troubles, more days."""
    found: dict[tuple[str, str], Bottleneck] = {}
    for trouble in troubles:
        for by, name in (
            ("provider", trouble.provider),
            ("service", trouble.service),
            ("cause", trouble.cause),
        ):
            if name:
                found.setdefault((by, name), Bottleneck(by, name)).troubles.append(trouble)
    return sorted(
        found.values(),
        key=lambda b: (not b.recurring, -len(b.increments), -len(b.troubles), -b.days_late, b.by, b.name),
    )


def proposals(troubles: Iterable[Trouble]) -> list[Proposal]:
    """Changes of ownership or interface (or of the way of planning) for what recurs: a provider, service and cause."""
    groups: dict[tuple[str, str, str], list[Trouble]] = defaultdict(list)
    for trouble in troubles:
        if trouble.cause != UNKNOWN:
            groups[trouble.provider, trouble.service, trouble.cause].append(trouble)
    found = []
    for (provider, service, cause), group in sorted(
        groups.items(), key=lambda item: (-len(item[1]), item[0])
    ):
        increments = sorted({t.pi for t in group})
        if len(increments) < RECURRING:
            continue
        kind, sentence = _proposal(provider, service, cause, group)
        days = sum(t.days_late for t in group)
        late = f", {days} days late in all" if days else ""
        because = f"{len(group)} times in {', '.join(increments)}{late}."
        found.append(Proposal(kind, sentence, because, tuple(t.dependency for t in group)))
    return found


def _proposal(provider: str, service: str, cause: str, group: list[Trouble]) -> tuple[str, str]:
    what = service or f"what {provider} delivers"
    consumer, times = Counter(t.consumer for t in group).most_common(1)[0]
    mostly = times * 2 > len(group)
    if cause == "ownership":
        return "ownership", f"Name one team as the owner of {what}, with a person to ask."
    if cause == "capacity" and mostly:
        return (
            "ownership",
            f"Let {consumer} own or co-own {what}: most of what {provider} could not deliver was for them.",
        )
    if cause == "capacity":
        return (
            "ownership",
            f"Split {what} off {provider}, or give {provider} capacity for it: several teams wait.",
        )
    if cause == "interface":
        return (
            "interface",
            f"Put a versioned contract with tests between {provider} and {consumer} around {what}.",
        )
    if cause == "environment":
        return "interface", f"Offer {consumer} a stub or test data for {what}, so that they need not wait."
    if cause == "third_party":
        return "interface", f"Put an adapter of one's own before {what}, and a date for it into the contract."
    return (
        "planning",
        f"Bring {what} of {provider} into refinement before PI planning; look ahead one increment.",
    )
