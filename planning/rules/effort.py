"""Planned against actual effort, and what it says about estimates that are still open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

ENOUGH = 5


@dataclass(frozen=True, slots=True)
class Effort:
    """A finished piece of work: hours planned and hours it took."""

    planned: float
    actual: float


@dataclass(frozen=True, slots=True)
class Experience:
    """What finished work teaches a team: `ratio` is actual ÷ planned, 1 while too little is known."""

    count: int
    planned: float
    actual: float
    ratio: float
    known: bool
    sentence: str

    def refined(self, points: int) -> int:
        """Points as experience would have them: never below 1, rounded up."""
        return max(1, ceil(round(points * self.ratio, 6)))


def experience(work: Iterable[Effort]) -> Experience:
    """All hours taken ÷ all hours planned, over finished work that had an estimate and hours logged."""
    used = [each for each in work if each.planned > 0 and each.actual > 0]
    planned, actual = sum(e.planned for e in used), sum(e.actual for e in used)
    if len(used) < ENOUGH:
        said = f"{len(used)} finished with estimate and hours; estimates are refined from {ENOUGH} on."
        return Experience(len(used), planned, actual, 1.0, False, said)
    ratio = actual / planned
    said = f"{actual:g} hours taken for {planned:g} planned over {len(used)} items: × {ratio:.2f}."
    return Experience(len(used), planned, actual, ratio, True, said)
