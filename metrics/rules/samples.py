"""Exact percentiles, and what to say about small samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor
from typing import Any

from releasetrain.kernel.lazy_numpy import np

PERCENTILES = (50, 75, 90, 95)
FEW, SMALL = 5, 20


def percentiles(values: Any, wanted: Sequence[int] = PERCENTILES) -> Mapping[int, float]:
    """Linear interpolation between the two nearest ranks (type 7): the median of an even count is the mean of
    the middle two. Nothing is estimated from bins."""
    if len(values) == 0:
        return {}
    found = np.percentile(np.asarray(values, dtype=np.float64), wanted)
    return dict(zip(wanted, (float(value) for value in found), strict=True))


def grouped_percentile(groups: Any, values: Any, size: int, share: float) -> Any:
    """The same percentile for each of `size` groups at once; NaN where a group has no value."""
    result = np.full(size, np.nan)
    if len(values) == 0:
        return result
    # Groups are few: as 16-bit numbers they are sorted by radix. Within a group two ranks are looked for, nothing is sorted.
    order = np.argsort(groups.astype(np.uint16 if size <= 2**16 else np.int64), kind="stable")
    ordered = np.asarray(values, dtype=np.float64)[order]
    counts = np.bincount(groups, minlength=size)
    filled = np.flatnonzero(counts)
    ends = np.cumsum(counts)[filled].tolist()
    for group, count, end in zip(filled.tolist(), counts[filled].tolist(), ends, strict=True):
        place = (count - 1) * share
        low, high = floor(place), ceil(place)
        ranked = np.partition(ordered[end - count : end], (low, high))
        result[group] = ranked[low] + (ranked[high] - ranked[low]) * (place - low)
    return result


def wording(count: int, what: str) -> str:
    """What the reader should know about the size of the sample; empty when there is nothing to say."""
    if count == 0:
        return f"No {what} to compute this from."
    if count < FEW:
        return f"Computed from {count} {what} only: read the rows, not the figure."
    if count < SMALL:
        return f"Small sample: {count} {what}. One more or less changes the figure noticeably."
    return ""
