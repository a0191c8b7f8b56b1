"""What followed a release against what was usual before it, by a stated test. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trains.rules.canary import Classification, Direction, Judged, Metric, classify

TEST = "Mann–Whitney U, two-sided, 95 % interval of the shift"
# Fewer values on either side than this say nothing.
LEAST = 10
MOST = 500
BETTER, WORSE, SAME, UNKNOWN = "better", "worse", "no change that counts", "indeterminate"


@dataclass(frozen=True)
class Variance:
    """How an indicator moved: the word, the numbers it rests on, and why."""

    word: str
    before: float | None
    after: float | None
    before_count: int
    after_count: int
    shift: float | None = None
    lower: float | None = None
    upper: float | None = None
    p_value: float | None = None
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "word": self.word,
            "before": self.before,
            "after": self.after,
            "before_count": self.before_count,
            "after_count": self.after_count,
            "shift": self.shift,
            "interval": [self.lower, self.upper] if self.lower is not None else None,
            "p_value": self.p_value,
            "test": TEST,
        }


def compare(
    before: Sequence[float], after: Sequence[float], *, good: str, tolerance: float, least: int = LEAST
) -> Variance:
    """Judge the values after against those before. `good` is at_most or at_least; `tolerance` in percent of the median."""
    first, second = thinned(before), thinned(after)
    numbers = (median(before), median(after), len(before), len(after))
    judged = classify(
        Metric("indicator", direction=Direction.EITHER, confidence=0.95, tolerance=0.0, minimum=least),
        first,
        second,
    )
    if judged.classification is Classification.NODATA:
        return Variance(UNKNOWN, *numbers, why=judged.reason)
    return Variance(
        _word(judged, numbers, good, tolerance),
        *numbers,
        shift=_plain(judged.estimate),
        lower=_plain(judged.lower),
        upper=_plain(judged.upper),
        p_value=_plain(judged.p_value),
        why=judged.reason,
    )


def _word(
    judged: Judged, numbers: tuple[float | None, float | None, int, int], good: str, tolerance: float
) -> str:
    if judged.classification is Classification.PASS:
        return SAME
    before, after = numbers[0], numbers[1]
    moved = abs((after or 0) - (before or 0))
    if before and 100 * moved < tolerance * abs(before):
        return SAME
    higher = judged.classification is Classification.HIGH
    return WORSE if higher == (good == "at_most") else BETTER


def _plain(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def thinned(values: Sequence[float], most: int = MOST) -> list[float]:
    """At most so many values, taken at even distances, the first and the last with them."""
    if len(values) <= most:
        return [float(v) for v in values]
    step = (len(values) - 1) / (most - 1)
    return [float(values[round(n * step)]) for n in range(most)]


def median(values: Sequence[float]) -> float | None:
    import numpy as np

    return float(np.median(values)) if len(values) else None


def percentile(values: Sequence[float], q: float) -> float | None:
    import numpy as np

    return float(np.percentile(values, q)) if len(values) else None
