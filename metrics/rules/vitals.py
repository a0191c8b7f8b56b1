"""One measure at a glance: its last point, whether that is usual, and what to expect next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from metrics.rules.samples import percentiles
from releasetrain.interface.charts.limits import Chart
from releasetrain.interface.charts.run_rules import Standard

RECENT = 4
LEAST_FOR_FORECAST = 8
# What is looked at from afar: a point beyond the limits, and a run of eight on one side.
WATCHED = (Standard.WESTERN_ELECTRIC, (1, 4))


@dataclass(frozen=True, slots=True)
class Deviation:
    """A recent signal: the points it spans, and whether it is above or below the centre."""

    first: int
    last: int
    above: bool
    text: str


@dataclass(frozen=True, slots=True)
class Vital:
    """`word` says how the last point stands to the limits; `expected` is the range of eight in ten points since the
    limits began, or None where there are too few points or the process is not stable."""

    word: str
    tone: str
    deviations: tuple[Deviation, ...]
    expected: tuple[float, float] | None
    why_no_forecast: str = ""


def vital(values: Sequence[float], fitted: Chart | None, fewer_is_better: bool) -> Vital:
    """Judge the last point of a measure by its control limits."""
    if fitted is None or not any(each.usable for each in fitted.limits):
        return Vital("too few points for limits", "info", (), None, "Too few points for a forecast.")
    found = fitted.signals(*WATCHED)
    recent = [s for s in found if s.last >= len(values) - RECENT]
    deviations = tuple(
        Deviation(s.first, s.last, values[s.last] > fitted.center[s.last], s.text) for s in recent
    )
    stretch = values[fitted.limits[-1].start :]
    standing = [d for d in deviations if d.last == len(values) - 1]
    expected, why = _expected(stretch, bool(standing))
    if not standing:
        return Vital("usual", "ok", deviations, expected, why)
    above = standing[-1].above
    return Vital(
        "above usual" if above else "below usual",
        "warn" if above == fewer_is_better else "info",
        deviations,
        expected,
        why,
    )


def _expected(stretch: Sequence[float], unusual: bool) -> tuple[tuple[float, float] | None, str]:
    if len(stretch) < LEAST_FOR_FORECAST:
        return None, f"Too few points for a forecast: {len(stretch)} since the limits began."
    if unusual:
        return None, "No forecast while the measure leaves its usual range."
    spread = percentiles(stretch, (10, 90))
    return (spread[10], spread[90]), ""
