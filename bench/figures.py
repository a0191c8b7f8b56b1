"""A measured figure beside its yardstick. Ratios travel between machines, absolute figures do not."""

from __future__ import annotations

from dataclasses import dataclass

AT_LEAST, AT_MOST = "≥", "≤"


@dataclass(frozen=True)
class Figure:
    """One measurement: `ratio` is measured ÷ yardstick, and the budget is a limit of that ratio."""

    what: str
    measured: str
    yardstick: str
    ratio: float
    budget: float
    direction: str = AT_MOST
    note: str = ""

    @property
    def held(self) -> bool:
        return self.ratio >= self.budget if self.direction == AT_LEAST else self.ratio <= self.budget


@dataclass(frozen=True)
class Observation:
    """A measurement without a budget."""

    what: str
    measured: str
    note: str = ""


Result = Figure | Observation


def median(values: list[float]) -> float:
    """The middle value; of an even count the mean of the middle two."""
    return percentile(values, 0.5)


def percentile(values: list[float], share: float) -> float:
    """Linear interpolation between the two nearest ranks."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.1f} ms" if seconds < 0.1 else f"{seconds * 1000:,.0f} ms"
