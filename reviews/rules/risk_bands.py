"""The bands of the risk questionnaire that the record of finished changes speaks for. Pure.

Bands are chosen on the earlier half of the scored changes and tried on the later half, so that what is suggested has
shown itself on changes that it was not chosen for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import inf, sqrt
from statistics import fmean, stdev

from .calibration import FEW, FEW_IN_CLASS, RISKS, Change, brier, forecasts

STEP = 10
# What is older says little about how changes go now.
LATEST = 1_000
NORMAL_95 = 1.96
Bands = Mapping[str, int]


@dataclass(frozen=True)
class Learned:
    """What the record says about the bands in force.

    `better` are bands that forecast better, None where there are none; `gain` is the interval of the mean squared
    distance that they save for each change of the later half. `sentence` says why there are none, or what they save.
    """

    scored: int
    better: dict[str, int] | None
    sentence: str
    score: float | None = None
    score_in_force: float | None = None
    gain: tuple[float, float] | None = None


def learn(changes: Sequence[Change], in_force: Bands) -> Learned:
    """Bands for these finished changes in the order of time."""
    scored = [change for change in changes if change.percent is not None][-LATEST:]
    if len(scored) < 2 * FEW:
        return Learned(
            len(scored),
            None,
            f"{len(scored)} finished changes were scored by the questionnaire; from {2 * FEW} on their record is asked.",
        )
    half = len(scored) // 2
    candidates = [
        {"medium": medium, "high": high}
        for medium, high in combinations(range(STEP, 101, STEP), 2)
        if _serves(scored[:half], {"medium": medium, "high": high})
    ]
    best = min(candidates, key=lambda bands: sum(_distances(scored[:half], bands)), default=None)
    if best is None or best == dict(in_force):
        return Learned(len(scored), None, "No other bands part what failed from what did not any better.")
    ours, theirs = _distances(scored, best)[half:], _distances(scored, in_force)[half:]
    saved = [b - a for a, b in zip(ours, theirs, strict=True)]
    margin = NORMAL_95 * stdev(saved) / sqrt(len(saved))
    gain = fmean(saved) - margin, fmean(saved) + margin
    found = Learned(len(scored), None, "", fmean(ours), fmean(theirs), gain)
    said = f"medium from {best['medium']} %, high from {best['high']} %"
    if gain[0] <= 0:
        return replace(
            found,
            sentence=f"The earlier changes spoke for {said}, but the later {len(saved)} do not confirm it.",
        )
    return replace(
        found,
        better=best,
        sentence=(
            f"With {said} the forecasts of the latest {len(saved)} changes would have been better: a Brier score of"
            f" {fmean(ours):.3f} instead of {fmean(theirs):.3f}."
        ),
    )


def _banded(changes: Sequence[Change], bands: Bands) -> list[Change]:
    """The changes with the risk that their score would mean under these bands."""
    return [
        replace(
            change,
            risk="high"
            if (change.percent or 0) >= bands["high"]
            else "medium"
            if (change.percent or 0) >= bands["medium"]
            else "low",
        )
        for change in changes
    ]


def _serves(changes: Sequence[Change], bands: Bands) -> bool:
    """Whether every class has changes enough, and none failed less often than the one below it."""
    below = -inf
    banded = _banded(changes, bands)
    for risk in RISKS:
        members = [change.failed for change in banded if change.risk == risk]
        if len(members) < FEW_IN_CLASS or fmean(members) < below:
            return False
        below = fmean(members)
    return True


def _distances(changes: Sequence[Change], bands: Bands) -> list[float]:
    """The squared distance of each change's forecast from its outcome; `calibration.brier` is their mean."""
    return [brier([(f.predicted, f.change.failed)]) or 0.0 for f in forecasts(_banded(changes, bands))]
