"""How ready a release is: weighted answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_WORTH = {"yes": 1.0, "partial": 0.5, "no": 0.0, "open": 0.0}


@dataclass(frozen=True)
class Answer:
    """One answer as the score needs it; not_applicable counts for nothing."""

    answer: str
    weight: int
    mandatory: bool = False


def score(answers: Iterable[Answer]) -> float | None:
    """Percent of the weight that is answered with yes (partly counts half); None when nothing applies."""
    applies = [a for a in answers if a.answer in _WORTH]
    whole = sum(a.weight for a in applies)
    return round(100 * sum(_WORTH[a.answer] * a.weight for a in applies) / whole, 1) if whole else None


def missing(answers: Iterable[Answer]) -> int:
    """Mandatory answers that are neither yes nor not applicable."""
    return sum(1 for a in answers if a.mandatory and a.answer not in ("yes", "not_applicable"))
