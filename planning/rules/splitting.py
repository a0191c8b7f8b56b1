"""Too big: which limits an item passes, the patterns to split by, and whether the children add up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """From which size on an item is to be split."""

    points: int = 13
    teams: int = 2
    services: int = 3


@dataclass(frozen=True, slots=True)
class Size:
    """How big an item is: its job size, the teams and the services that building it touches."""

    points: int | None
    teams: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pattern:
    """A way to cut an item into parts that are of use by themselves."""

    name: str
    title: str
    advice: str


PATTERNS: tuple[Pattern, ...] = (
    Pattern("workflow", "Workflow steps", "First the shortest way through, then the steps in between."),
    Pattern("rules", "Business rules", "One rule first; the exceptions follow."),
    Pattern("data", "Data variations", "One kind of data, country or product first."),
    Pattern("operations", "Operations", "Create, read, change and delete separately."),
    Pattern("interfaces", "Interfaces", "One channel or client first."),
    Pattern("effort", "Major effort", "The first case carries the foundation; the others become small."),
    Pattern("quality", "Defer a quality", "Make it work first, then fast, then for everybody."),
    Pattern("spike", "Spike", "Find out what is unknown first; split again with the answer."),
    Pattern("services", "By team or service", "One part for each team, joined by a contract agreed first."),
)
PATTERN_TITLES = {pattern.name: pattern.title for pattern in PATTERNS}


def too_big(size: Size, limits: Limits) -> list[str]:
    """A sentence for each limit that the item passes, each naming what to look at."""
    found = []
    if size.points is not None and size.points > limits.points:
        found.append(f"Its job size is {size.points}; the largest here is {limits.points}.")
    if len(size.teams) > limits.teams:
        found.append(
            f"It touches {len(size.teams)} teams ({', '.join(size.teams)}); the most here are {limits.teams}."
        )
    if len(size.services) > limits.services:
        found.append(
            f"It touches {len(size.services)} services ({', '.join(size.services)}); "
            f"the most here are {limits.services}."
        )
    return found


def difference(parent: int | None, children: Sequence[int | None]) -> str:
    """How the children's sum differs from the parent's size; empty when it adds up or cannot be compared."""
    if parent is None or not children:
        return ""
    unsized = sum(size is None for size in children)
    if unsized:
        return f"{unsized} of {len(children)} parts have no size yet; the whole was {parent}."
    total = sum(size or 0 for size in children)
    if total == parent:
        return ""
    return f"The parts add up to {total}, the whole was {parent}."
