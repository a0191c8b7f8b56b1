"""Shares of small samples: the interval in which the true share lies."""

from __future__ import annotations

from math import sqrt

# The 97.5th percentile of the normal distribution: an interval of 95 %.
Z95 = 1.959963984540054


def wilson(hits: int, trials: int) -> tuple[float, float] | None:
    """The 95 % Wilson interval of a share; with no failure in n trials its upper end is 3.84 ÷ (n + 3.84)."""
    if trials == 0:
        return None
    square = Z95 * Z95
    share = hits / trials
    middle = share + square / (2 * trials)
    spread = Z95 * sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    scale = 1 + square / trials
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)
