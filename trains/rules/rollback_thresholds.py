"""Thresholds at which something is taken back: a metric beyond a value for so long. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# Metric, comparison, value, unit, for so many minutes.
EXAMPLE = "error rate > 2 % for 5 min"
MOST = 10


@dataclass(frozen=True)
class Threshold:
    """What has to be measured, for how long."""

    metric: str
    above: bool
    value: float
    unit: str
    minutes: int

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.metric} {'>' if self.above else '<'} {self.value:g}{unit} for {self.minutes} min"

    def as_json(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "above": self.above,
            "value": self.value,
            "unit": self.unit,
            "minutes": self.minutes,
        }


def read(line: str) -> Threshold | None:
    """A threshold from one line like the example; None when it says none."""
    head, found, tail = line.strip().rpartition(" for ")
    sign = next((s for s in (">", "<") if s in head), "")
    if not found or not sign:
        return None
    metric, _, measure = head.partition(sign)
    number, _, unit = measure.strip().partition(" ")
    minutes, _, word = tail.strip().partition(" ")
    try:
        value, length = float(number.rstrip("%")), int(minutes)
    except ValueError:
        return None
    if (
        not metric.strip()
        or not math.isfinite(value)
        or not 1 <= length <= 10_000
        or not word.startswith("min")
    ):
        return None
    unit = "%" if number.endswith("%") else unit.strip()
    return Threshold(metric.strip()[:80], sign == ">", value, unit[:20], length)


def stored(row: Mapping[str, Any]) -> Threshold:
    return Threshold(row["metric"], row["above"], row["value"], row["unit"], row["minutes"])


def crossed(thresholds: Iterable[Threshold], metric: str, value: float, minutes: float) -> Threshold | None:
    """The threshold that a measurement crosses, for long enough; nothing measured crosses nothing."""
    if not (math.isfinite(value) and math.isfinite(minutes)):
        return None
    for threshold in thresholds:
        same = threshold.metric.casefold() == metric.strip().casefold()
        beyond = value > threshold.value if threshold.above else value < threshold.value
        if same and beyond and minutes >= threshold.minutes:
            return threshold
    return None
