"""Scoring models: weighted criteria that become one number, rankings by it, and how a ranking changes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from planning.rules.wsjf import SCALE, shown

MOST_CRITERIA = 12
MOST_WEIGHT = 100
# Where the value of a criterion comes from: people rate it, or the feature has it already.
SOURCES = {
    "rated": "Rated for this model",
    "value": "User-business value",
    "time_criticality": "Time criticality",
    "risk_reduction": "Risk reduction or opportunity",
    "job_size": "Job size",
    "tier": "Risk tier",
}
DIRECTIONS = {"benefit": "The more, the better", "cost": "The less, the better"}
METHODS = ("sum", "ratio")
# A risk tier on the scale: tier 1 is the highest exposure.
TIER_VALUES = {1: 20, 2: 13, 3: 5, 4: 1}
_MIRROR = SCALE[0] + SCALE[-1]


class BadCriteria(ValueError):
    """Criteria that cannot be scored with; says what to change."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that counts, with its weight."""

    key: str
    title: str
    weight: Fraction
    direction: str = "benefit"
    source: str = "rated"

    def plain(self) -> dict[str, Any]:
        """The criterion as it is kept: whole weights as whole numbers."""
        weight = int(self.weight) if self.weight.denominator == 1 else float(self.weight)
        return {
            "key": self.key,
            "title": self.title,
            "weight": weight,
            "direction": self.direction,
            "source": self.source,
        }


def read(given: Sequence[Any], method: str) -> tuple[Criterion, ...]:
    """The criteria from plain values; `BadCriteria` names the first that cannot be used."""
    if method not in METHODS:
        raise BadCriteria(f"There is no method {method}; known are {', '.join(METHODS)}.")
    if not 1 <= len(given) <= MOST_CRITERIA:
        raise BadCriteria(f"A model has 1 to {MOST_CRITERIA} criteria, not {len(given)}.")
    found: list[Criterion] = []
    for place, each in enumerate(given, 1):
        criterion = _one(each, place)
        if criterion.key in {c.key for c in found}:
            raise BadCriteria(f"{criterion.title} stands in the list twice.")
        found.append(criterion)
    if not any(c.weight for c in found):
        raise BadCriteria("At least one weight must be larger than zero.")
    if method == "ratio":
        for direction, word in (("benefit", "benefit"), ("cost", "cost")):
            if not any(c.direction == direction and c.weight for c in found):
                raise BadCriteria(f"Benefit ÷ cost needs at least one {word} with a weight above zero.")
    return tuple(found)


def _one(each: Any, place: int) -> Criterion:
    if not isinstance(each, Mapping):
        raise BadCriteria(f"Criterion {place} must be an object with title and weight.")
    unknown = sorted(set(map(str, each)) - {"key", "title", "weight", "direction", "source"})
    if unknown:
        raise BadCriteria(f"Criterion {place} has no property {unknown[0][:40]}.")
    title = each.get("title", "")
    if not isinstance(title, str) or not title.strip() or len(title) > 80:
        raise BadCriteria(f"Criterion {place} needs a title of at most 80 characters.")
    title = title.strip()
    key = each.get("key") or re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")[:40]
    if not isinstance(key, str) or not re.fullmatch(r"[a-z0-9_]{1,40}", key):
        raise BadCriteria(f"{title}: the key may have small letters, digits and underscores only.")
    direction, source = each.get("direction", "benefit"), each.get("source", "rated")
    if direction not in DIRECTIONS:
        raise BadCriteria(f"{title}: the direction is benefit or cost.")
    if source not in SOURCES:
        raise BadCriteria(f"{title}: the source is one of {', '.join(SOURCES)}.")
    return Criterion(key, title, _weight(title, each.get("weight")), direction, source)


def _weight(title: str, given: Any) -> Fraction:
    number = given if isinstance(given, int | float) and not isinstance(given, bool) else None
    if number is None or not 0 <= number <= MOST_WEIGHT:
        raise BadCriteria(f"{title}: the weight is a number from 0 to {MOST_WEIGHT}.")
    return Fraction(str(number)).limit_denominator(1000)


def score(criteria: Sequence[Criterion], method: str, values: Mapping[str, int]) -> Fraction | None:
    """The score, or None while a criterion that weighs anything has no value.

    A sum is the weighted average on the scale, costs mirrored (1 counts as 20). A ratio is weighted benefit ÷
    weighted cost; with all weights 1 and WSJF's four parts it is WSJF.
    """
    weighing = [c for c in criteria if c.weight]
    if any(c.key not in values for c in weighing):
        return None
    if method == "sum":
        total = sum(
            (
                c.weight * (values[c.key] if c.direction == "benefit" else _MIRROR - values[c.key])
                for c in weighing
            ),
            Fraction(0),
        )
        return total / sum((c.weight for c in weighing), Fraction(0))
    sides = {"benefit": Fraction(0), "cost": Fraction(0)}
    for c in weighing:
        sides[c.direction] += c.weight * values[c.key]
    return sides["benefit"] / sides["cost"]


def explain(criteria: Sequence[Criterion], method: str, values: Mapping[str, int]) -> str:
    """The arithmetic of a score in one line."""
    found = score(criteria, method, values)
    if found is None:
        missing = ", ".join(c.title for c in criteria if c.weight and c.key not in values)
        return f"no score without {missing}"

    def terms(direction: str) -> str:
        return " + ".join(
            f"{shown(c.weight)} × {c.title} {values[c.key]}"
            for c in criteria
            if c.weight and c.direction == direction
        )

    if method == "ratio":
        return f"({terms('benefit')}) ÷ ({terms('cost')}) = {shown(found)}"
    costs = terms("cost")
    said = terms("benefit")
    if costs:
        said = f"{said}{' and ' if said else ''}{costs} mirrored"
    return f"weighted average of {said} = {shown(found)}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A feature with its score in a ranking."""

    id: str
    score: Fraction
    time_criticality: int
    created_at: datetime


def rank(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Highest score first; ties by higher time criticality, then the older one, then the id."""
    return tuple(sorted(entries, key=lambda e: (-e.score, -e.time_criticality, e.created_at, e.id)))


@dataclass(frozen=True, slots=True)
class Move:
    """Where a feature stands before and after; None where it has no score."""

    id: str
    before: int | None
    after: int | None
    score_before: Fraction | None
    score_after: Fraction | None

    @property
    def by(self) -> int:
        """Ranks gained; negative when it falls."""
        return (self.before or 0) - (self.after or 0) if self.before and self.after else 0


def compare(before: Sequence[Entry], after: Sequence[Entry]) -> tuple[Move, ...]:
    """The new ranking beside the old one, in the new order; what loses its score comes last."""
    old = {e.id: (place, e.score) for place, e in enumerate(before, 1)}
    new = {e.id for e in after}
    found = [
        Move(
            e.id, old[e.id][0] if e.id in old else None, place, old[e.id][1] if e.id in old else None, e.score
        )
        for place, e in enumerate(after, 1)
    ]
    found += [Move(e.id, old[e.id][0], None, e.score, None) for e in before if e.id not in new]
    return tuple(found)
