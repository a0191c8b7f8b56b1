"""Predictability of Program Increments: actual business value of all objectives ÷ planned value of
committed ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

LOWEST, HIGHEST = 0, 10
HEALTHY_FROM, HEALTHY_TO = 80, 100


@dataclass(frozen=True, slots=True)
class Objective:
    """An objective with planned and actual business value; uncommitted ones count in the numerator only."""

    team: str
    planned: int
    actual: int
    committed: bool = True

    def __post_init__(self) -> None:
        if not (LOWEST <= self.planned <= HIGHEST and LOWEST <= self.actual <= HIGHEST):
            raise ValueError("Business value is 0 to 10.")


@dataclass(frozen=True, slots=True)
class Predictability:
    """A percentage with its sums. Without planned value of committed objectives there is none."""

    name: str
    planned: int
    actual: int
    percent: float | None
    sentence: str


@dataclass(frozen=True, slots=True)
class TrainPredictability:
    """`total` is the figure of the train: Σ actual ÷ Σ planned. `average_of_teams` is shown beside it, and
    named."""

    total: Predictability
    teams: tuple[Predictability, ...]
    average_of_teams: float | None


def predictability(name: str, objectives: Iterable[Objective]) -> Predictability:
    """The percentage of one team, or of everything given."""
    rows = list(objectives)
    planned = sum(row.planned for row in rows if row.committed)
    actual = sum(row.actual for row in rows)
    percent = float(Fraction(100 * actual, planned)) if planned else None
    return Predictability(name, planned, actual, percent, _sentence(planned, actual, percent))


def train_predictability(objectives: Iterable[Objective]) -> TrainPredictability:
    """Teams in the order of their first objective, and the train."""
    rows = list(objectives)
    by_team: dict[str, list[Objective]] = {}
    for row in rows:
        by_team.setdefault(row.team, []).append(row)
    teams = tuple(predictability(team, each) for team, each in by_team.items())
    known = [team.percent for team in teams if team.percent is not None]
    return TrainPredictability(
        predictability("Train", rows), teams, sum(known) / len(known) if known else None
    )


def _sentence(planned: int, actual: int, percent: float | None) -> str:
    if percent is None:
        return "No planned value of committed objectives, so there is no percentage."
    figure = f"{actual} of {planned} planned business value, {percent:.4g} %"
    if percent < HEALTHY_FROM:
        return f"{figure}: below the healthy range of 80–100 %."
    if percent > HEALTHY_TO:
        return f"{figure}: above 100 %, which hints at too little commitment."
    return f"{figure}: within the healthy range of 80–100 %."
