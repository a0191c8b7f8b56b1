"""The Mann–Whitney test for a shift between two samples: statistic, interval and estimate.

As R's `wilcox.test` with normal approximation, continuity and tie correction: the interval holds those shifts that the
test would not reject, its middle is the Hodges–Lehmann estimate. Ranks, quantiles and roots are scipy's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# Up to so many pairs the estimate is the median of their differences; of more it is where the statistic turns, as in R.
_PAIRS = 1_000_000


@dataclass(frozen=True)
class Shift:
    """How far the values of the first sample lie above those of the second."""

    lower: float
    upper: float
    estimate: float
    p_value: float


def statistic(shift: float, quantile: float, first: Sequence[float], second: Sequence[float]) -> float:
    """How far the standardised U of the samples lies from a quantile, once the first sample is moved down by `shift`."""
    import numpy as np
    from scipy.stats import rankdata

    return _standardised(shift, quantile, np.asarray(first, float), np.asarray(second, float), rankdata, True)


def _standardised(shift: float, quantile: float, x: Any, y: Any, rank: Any, continuity: bool) -> float:
    import numpy as np

    n, m = len(x), len(y)
    ranks = rank(np.concatenate([x - shift, y]))
    difference = float(ranks[:n].sum()) - n * (n + 1) / 2 - n * m / 2
    if continuity:
        difference -= math.copysign(0.5, difference) if difference else 0.0
    ties = np.unique(ranks, return_counts=True)[1].astype(float)
    spread = (n * m / 12) * ((n + m + 1) - float((ties**3 - ties).sum()) / ((n + m) * (n + m - 1)))
    if spread <= 0:
        return -quantile
    return difference / math.sqrt(spread) - quantile


def shift(first: Sequence[float], second: Sequence[float], confidence: float = 0.95) -> Shift:
    """The interval and the estimate of the shift, and the two-sided p-value of no shift at all."""
    import numpy as np
    from scipy.optimize import brentq
    from scipy.stats import norm, rankdata

    x, y = np.asarray(first, float), np.asarray(second, float)
    least, most = float(x.min() - y.max()), float(x.max() - y.min())

    def root(quantile: float, continuity: bool) -> float:
        def at(value: float) -> float:
            return _standardised(value, quantile, x, y, rankdata, continuity)

        if least == most or at(least) <= 0:
            return least
        if at(most) >= 0:
            return most
        return float(brentq(at, least, most, xtol=1e-9, rtol=1e-12))

    z = float(norm.ppf(1 - (1 - confidence) / 2))
    p_value = 2 * float(norm.sf(abs(_standardised(0.0, 0.0, x, y, rankdata, True))))
    estimate = float(np.median(np.subtract.outer(x, y))) if len(x) * len(y) <= _PAIRS else root(0.0, False)
    return Shift(root(z, True), root(-z, True), estimate, min(1.0, p_value))


def mean_ratio(experiment: Sequence[float], control: Sequence[float]) -> float:
    """The mean of the experiment in means of the control; not a number where either mean is zero."""
    import numpy as np

    above, below = float(np.mean(experiment)), float(np.mean(control))
    return above / below if above and below else math.nan


def common_language(experiment: Sequence[float], control: Sequence[float]) -> float:
    """The share of pairs in which the experiment's value is the greater; ties count half."""
    import numpy as np
    from scipy.stats import rankdata

    n, m = len(experiment), len(control)
    ranks = rankdata(np.concatenate([np.asarray(experiment, float), np.asarray(control, float)]))
    return (float(ranks[:n].sum()) - n * (n + 1) / 2) / (n * m)


def outliers_by_quartiles(
    values: Sequence[float], factor: float = 1.5, *, widened: bool = False
) -> list[bool]:
    """Which values lie beyond `factor` interquartile ranges outside the quartiles (percentiles of R's type 7).

    Widened: fences inside the 1st and 99th percentile move out to them.
    """
    import numpy as np

    if not len(values):
        return []
    low, high = (float(value) for value in np.percentile(values, [25, 75]))
    fences = [low - factor * (high - low), high + factor * (high - low)]
    if widened:
        first, last = (float(value) for value in np.percentile(values, [1, 99]))
        fences = [min(fences[0], first), max(fences[1], last)]
    return [not fences[0] <= value <= fences[1] for value in values]


def outliers_by_deviation(values: Sequence[float], factor: float = 3.0) -> list[bool]:
    """Which values lie more than `factor` standard deviations from the mean."""
    import numpy as np

    if len(values) < 2:
        return [False] * len(values)
    middle, spread = float(np.mean(values)), float(np.std(values, ddof=1))
    return [abs(value - middle) > factor * spread for value in values]
