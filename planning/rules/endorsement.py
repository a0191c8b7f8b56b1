"""Which features are of high impact: the rules that ask for a business owner's endorsement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Condition:
    """A rule. What it leaves open does not matter; what it names must all hold."""

    name: str
    tier: int | None = None
    value: int | None = None
    points: int | None = None
    kinds: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        parts = []
        if self.tier is not None:
            parts.append(f"risk tier {self.tier}" + (" or higher" if self.tier > 1 else ""))
        if self.value is not None:
            parts.append(f"user-business value from {self.value}")
        if self.points is not None:
            parts.append(f"{self.points} points or more")
        if self.kinds:
            parts.append("kind " + " or ".join(kind.replace("_", " ") for kind in self.kinds))
        return " and ".join(parts)


@dataclass(frozen=True, slots=True)
class Impact:
    """What a feature is judged by; what is unknown meets no condition."""

    kind: str
    tier: int | None = None
    value: int | None = None
    points: int | None = None


def matches(rule: Condition, impact: Impact) -> bool:
    """Whether a feature falls under a rule. Tier 1 is the highest risk."""
    if rule.tier is not None and (impact.tier is None or impact.tier > rule.tier):
        return False
    if rule.value is not None and (impact.value is None or impact.value < rule.value):
        return False
    if rule.points is not None and (impact.points is None or impact.points < rule.points):
        return False
    return not rule.kinds or impact.kind in rule.kinds


def first_match(rules: Iterable[Condition], impact: Impact) -> Condition | None:
    """The rule that makes the feature one of high impact, or None."""
    return next((rule for rule in rules if matches(rule, impact)), None)
