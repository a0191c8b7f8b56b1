"""The size of a train against SAFe's guidance, and its coordination load against what it finishes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import StatisticsError, correlation

# SAFe's guidance for an Agile Release Train; guidance, not law.
TEAMS = (5, 12)
PEOPLE = (50, 125)
ENOUGH = 3


@dataclass(frozen=True, slots=True)
class Fit:
    """A number against its guidance."""

    value: int
    low: int
    high: int

    @property
    def inside(self) -> bool:
        return self.low <= self.value <= self.high

    @property
    def sentence(self) -> str:
        where = "within" if self.inside else "below" if self.value < self.low else "above"
        return f"{where} the guidance of {self.low} to {self.high}"


@dataclass(frozen=True, slots=True)
class Load:
    """One Program Increment: its features, how many of them were finished, what teams needed of each other."""

    name: str
    features: int
    finished: int
    dependencies: int

    @property
    def load(self) -> float | None:
        """Dependencies between teams ÷ features; none without features."""
        return self.dependencies / self.features if self.features else None


def fits(teams: int, people: int) -> tuple[Fit, Fit]:
    """Teams and people against the guidance."""
    return Fit(teams, *TEAMS), Fit(people, *PEOPLE)


def tendency(loads: Iterable[Load]) -> tuple[float | None, str]:
    """How load and throughput go together over past Program Increments, as Pearson's r and in a sentence."""
    rows = [(each.load, each.finished) for each in loads if each.load is not None]
    if len(rows) < ENOUGH:
        return (
            None,
            f"{ENOUGH} past Program Increments with features are needed to compare; there are {len(rows)}.",
        )
    try:
        r = correlation([float(load) for load, _ in rows], [float(finished) for _, finished in rows])
    except StatisticsError:
        return None, "Load or throughput was the same in every Program Increment, so nothing can be compared."
    if r <= -0.5:
        said = "the more teams needed of each other, the less was finished"
    elif r >= 0.5:
        said = "more was finished when teams needed more of each other"
    else:
        said = "load and throughput went no common way"
    return r, f"Over {len(rows)} Program Increments {said} (r = {r:.2f})."
