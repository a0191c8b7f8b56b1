"""Scores of the public DORA Quick Check: answers and percentages on 0 to 10, their average, benchmarks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

CATEGORICAL = ("leadtime", "deployfreq", "failurerecovery")
PERCENTAGES = {"2024": ("changefailure",), "2025": ("changefailure", "rework")}
INVERTED = frozenset({"changefailure", "rework"})

ALL_INDUSTRIES_2025: Mapping[str, float] = {
    "leadtime": 5.5,
    "deployfreq": 4.8,
    "changefailure": 1.9,
    "failurerecovery": 7.4,
    "rework": 2.2,
    "software_delivery_instability": 2.1,
}
"""Published means of the 2025 edition on its scale, where less failure, rework and instability is less."""


def score(kind: Literal["categorical", "percentage"], value: float) -> float:
    """An answer 1 (worst) to 6 (best), or a percentage of 100 (worst) to 0 (best), on the scale 0 to 10."""
    low, high = (1, 6) if kind == "categorical" else (0, 100)
    if not low <= value <= high:
        raise ValueError(f"A {kind} answer lies between {low} and {high}.")
    return (value - 1) * 2 if kind == "categorical" else (100 - value) / 10


def performance_average(answers: Mapping[str, float], version: Literal["2024", "2025"]) -> float:
    """The mean score of the answered questions; -1 and absent are unanswered, and nothing answered gives
    0."""
    kinds = dict.fromkeys(CATEGORICAL, "categorical") | dict.fromkeys(PERCENTAGES[version], "percentage")
    scores = [
        score("categorical" if kind == "categorical" else "percentage", answers[name])
        for name, kind in kinds.items()
        if answers.get(name, -1) != -1
    ]
    return sum(scores) / len(scores) if scores else 0.0


def benchmark(published: Mapping[str, float] = ALL_INDUSTRIES_2025) -> dict[str, float]:
    """A published group on the scale where more is always better, with the average of the five."""
    found = {name: round(10 - published[name], 2) for name in ("changefailure", "rework")}
    found |= {name: published[name] for name in CATEGORICAL}
    average = sum(found.values()) / len(found)
    stability = round(10 - published["software_delivery_instability"], 2)
    return found | {"stability": stability, "performance_average": round(average, 2)}
