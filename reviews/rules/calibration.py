"""How well the predicted risk of changes says what happens: Brier score, calibration by class and by score. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from governance.rules.shares import wilson

RISKS = ("low", "medium", "high")
# Below this nothing is said of the whole, below the other nothing of one class.
FEW, FEW_IN_CLASS = 30, 10


@dataclass(frozen=True)
class Change:
    """A finished change: the risk it was given, its score in percent where it had one, and whether it failed."""

    id: Any
    risk: str
    failed: bool
    percent: int | None = None


@dataclass(frozen=True)
class Forecast:
    """What the record said before a change, and what came."""

    change: Change
    predicted: float
    base: float


@dataclass(frozen=True)
class Bin:
    """Changes that were predicted alike: how often they were to fail, and did."""

    label: str
    n: int
    failures: int
    predicted: float

    @property
    def observed(self) -> float:
        return self.failures / self.n

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.failures, self.n) or (0.0, 1.0)

    @property
    def off(self) -> bool:
        """Whether the prediction lies outside the interval of what was observed."""
        low, high = self.interval
        return not low <= self.predicted <= high


@dataclass(frozen=True)
class Calibration:
    n: int
    failures: int
    brier: float | None
    reference: float | None
    classes: list[Bin] = field(default_factory=list)
    scores: list[Bin] = field(default_factory=list)
    disorder: list[str] = field(default_factory=list)

    @property
    def skill(self) -> float | None:
        """How much better than saying the base rate every time; below zero it is worse."""
        if self.brier is None or not self.reference:
            return None
        return 1 - self.brier / self.reference

    @property
    def few(self) -> bool:
        return self.n < FEW


def forecasts(changes: Sequence[Change]) -> list[Forecast]:
    """For each change in the order of time, how often changes of its risk had failed before it (rule of succession).

    Only what was known then is used, so the score is an honest one.
    """
    seen: dict[str, list[int]] = {}
    all_n = all_k = 0
    found = []
    for change in changes:
        n, k = seen.setdefault(change.risk, [0, 0])
        found.append(Forecast(change, (k + 1) / (n + 2), (all_k + 1) / (all_n + 2)))
        seen[change.risk] = [n + 1, k + change.failed]
        all_n, all_k = all_n + 1, all_k + change.failed
    return found


def brier(pairs: Sequence[tuple[float, bool]]) -> float | None:
    """The mean squared distance between forecast and outcome: 0 is perfect, 0.25 is a coin."""
    return sum((p - o) ** 2 for p, o in pairs) / len(pairs) if pairs else None


def calibrate(changes: Sequence[Change]) -> Calibration:
    """The scores and bins of finished changes in the order of time."""
    made = forecasts(changes)
    classes = [
        _bin(risk, [f for f in made if f.change.risk == risk])
        for risk in RISKS
        if any(f.change.risk == risk for f in made)
    ]
    scored = [f for f in made if f.change.percent is not None]
    scores = [
        _bin(f"{low} to {low + 20} %", members)
        for low in range(0, 100, 20)
        if (members := [f for f in scored if low <= min(f.change.percent or 0, 99) < low + 20])
    ]
    return Calibration(
        n=len(changes),
        failures=sum(c.failed for c in changes),
        brier=brier([(f.predicted, f.change.failed) for f in made]),
        reference=brier([(f.base, f.change.failed) for f in made]),
        classes=classes,
        scores=scores,
        disorder=_disorder(classes),
    )


def _bin(label: str, members: Sequence[Forecast]) -> Bin:
    return Bin(
        label,
        len(members),
        sum(f.change.failed for f in members),
        sum(f.predicted for f in members) / len(members),
    )


def _disorder(classes: Sequence[Bin]) -> list[str]:
    """Where a lower class fails more often than a higher one, by more than chance."""
    found = []
    for n, lower in enumerate(classes):
        for higher in classes[n + 1 :]:
            if min(lower.n, higher.n) >= FEW_IN_CLASS and lower.interval[0] > higher.interval[1]:
                found.append(
                    f"Changes of {lower.label} risk failed more often ({lower.observed:.0%}) than those of"
                    f" {higher.label} risk ({higher.observed:.0%}): the questions or bands put them wrongly."
                )
    return found
