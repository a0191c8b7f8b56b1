"""Process behaviour: natural limits of single values (XmR) and of shares (p), and signals against them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

RUN = 8  # points in a row on one side of the mean that count as a shift
_XMR = 2.66  # 3 / d2 for moving ranges of two


@dataclass(frozen=True)
class Limits:
    """Mean and natural limits, and how many points they were computed from."""

    mean: float
    upper: float
    lower: float
    baseline: int


@dataclass(frozen=True)
class Signal:
    """Something other than common variation: at which point, and of which kind (above, below, run)."""

    index: int
    kind: str


def natural_limits(values: Sequence[float], baseline: int = 20, floor: float | None = 0.0) -> Limits | None:
    """XmR limits from the first `baseline` values; None while there are fewer.

    `floor` is a bound that nature sets.
    """
    first = list(values[:baseline])
    if len(first) < baseline or baseline < 2:
        return None
    mean = sum(first) / len(first)
    ranges = [abs(a - b) for a, b in pairwise(first)]
    reach = _XMR * sum(ranges) / len(ranges)
    lower = mean - reach
    return Limits(mean, mean + reach, lower if floor is None else max(floor, lower), baseline)


def share_limits(mean: float, total: float) -> tuple[float, float]:
    """Lower and upper three-sigma limits of a share among `total` cases."""
    if total <= 0:
        return (0.0, 1.0)
    reach = 3 * math.sqrt(mean * (1 - mean) / total)
    return (max(0.0, mean - reach), min(1.0, mean + reach))


def run_signals(values: Sequence[float | None], mean: float) -> list[tuple[int, int, int]]:
    """Runs of eight or more on one side: (first index, last index, side).

    A value on the mean, or none, ends a run.
    """
    runs: list[tuple[int, int, int]] = []
    start, side = 0, 0
    for index, value in enumerate([*values, None]):
        now = 0 if value is None or value == mean else (1 if value > mean else -1)
        if now != side:
            if side and index - start >= RUN:
                runs.append((start, index - 1, side))
            start, side = index, now
    return runs


def signals(values: Sequence[float], limits: Limits) -> list[Signal]:
    """Points outside the limits and the eighth point of each run, in order."""
    found = [Signal(i, "above") for i, v in enumerate(values) if v > limits.upper]
    found += [Signal(i, "below") for i, v in enumerate(values) if v < limits.lower]
    found += [Signal(start + RUN - 1, "run") for start, _, _ in run_signals(values, limits.mean)]
    return sorted(found, key=lambda signal: (signal.index, signal.kind))
