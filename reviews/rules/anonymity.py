"""Counts that name nobody: groups of fewer than k are shown together, and never alone by subtraction. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

K = 5
OTHER = "Other kinds together"


@dataclass(frozen=True)
class Counts:
    """The groups that may be shown. `withheld`: there were too few of all to show anything."""

    groups: dict[str, int]
    total: int | None
    withheld: bool = False
    merged: int = 0


def at_least(counts: Mapping[str, int], k: int = K) -> Counts:
    """Groups of at least k each; smaller ones together, joined by the smallest shown one while they are too few."""
    if k < K:
        raise ValueError(f"k is at least {K}")
    total = sum(counts.values())
    if total == 0:
        return Counts({}, 0)
    if total < k:
        return Counts({}, None, withheld=True)
    shown = {name: n for name, n in counts.items() if n >= k}
    small = {name: n for name, n in counts.items() if 0 < n < k}
    together, merged = sum(small.values()), len(small)
    # One group alone below "other" would be that group by subtraction.
    while merged and (together < k or merged < 2) and shown:
        name = min(shown, key=lambda each: (shown[each], each))
        together += shown.pop(name)
        merged += 1
    ordered = dict(sorted(shown.items(), key=lambda each: (-each[1], each[0])))
    if merged:
        ordered[OTHER] = together
    return Counts(ordered, total, merged=merged)


def share(part: int, whole: int, k: int = K) -> float | None:
    """A share of at least k; none where it is of fewer, or names all but a few."""
    if whole < k:
        return None
    return part / whole
