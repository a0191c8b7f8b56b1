"""Shares of capacity: targets against what is planned and what was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Percentage points within which a share counts as met.
NEAR = 5


@dataclass(frozen=True, slots=True)
class Share:
    """One bucket: points and shares in percent; None where there is nothing to divide, or no target."""

    bucket: str
    target: int | None
    planned: int
    planned_percent: float | None
    actual: int
    actual_percent: float | None

    @property
    def deviation(self) -> float | None:
        """Percentage points by which the plan misses the target."""
        return (
            None
            if self.target is None or self.planned_percent is None
            else self.planned_percent - self.target
        )

    @property
    def tone(self) -> str:
        if self.deviation is None:
            return "idle"
        return "ok" if abs(self.deviation) <= NEAR else "warn"

    @property
    def sentence(self) -> str:
        if self.target is None:
            return f"{self.bucket} has no target."
        if self.planned_percent is None:
            return f"{self.bucket}: nothing is planned yet."
        if abs(self.deviation or 0) <= NEAR:
            return f"{self.bucket}: planned {self.planned_percent:.0f} %, as targeted ({self.target} %)."
        word = "more" if (self.deviation or 0) > 0 else "less"
        return (
            f"{self.bucket}: planned {self.planned_percent:.0f} %, {abs(self.deviation or 0):.0f} points {word}"
            f" than the target of {self.target} %."
        )


def shares(
    buckets: list[str], targets: Mapping[str, int], planned: Mapping[str, int], actual: Mapping[str, int]
) -> tuple[Share, ...]:
    """Every bucket with its shares; percentages are of all points, also of those in no bucket."""
    whole_plan, whole_done = sum(planned.values()), sum(actual.values())
    return tuple(
        Share(
            name,
            targets.get(name),
            planned.get(name, 0),
            100 * planned.get(name, 0) / whole_plan if whole_plan else None,
            actual.get(name, 0),
            100 * actual.get(name, 0) / whole_done if whole_done else None,
        )
        for name in buckets
    )
