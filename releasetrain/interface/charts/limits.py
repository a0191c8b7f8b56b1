"""Control charts: XmR, p and u, with limits from a declared baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from releasetrain.interface.charts.run_rules import TOLERANCE, Signal, Standard, signals
from releasetrain.kernel.lazy_numpy import np

D2, D4 = 1.128, 3.267
"""Of a moving range of two points: sigma is the mean range ÷ D2, the range's upper limit is the mean range
× D4."""
FEW_POINTS = 12


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one stretch of points, and the baseline `first` to `last` (inclusive) they came from."""

    start: int
    first: int
    last: int
    center: float
    sentence: str
    usable: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart ready to be drawn: for every point its value, centre, limits and distance in sigma."""

    kind: str
    values: tuple[float, ...]
    center: tuple[float, ...]
    upper: tuple[float, ...]
    lower: tuple[float, ...]
    z: tuple[float, ...]
    limits: tuple[Limits, ...]

    def signals(
        self, standard: Standard | str = Standard.NELSON, rules: Sequence[int] | None = None
    ) -> tuple[Signal, ...]:
        """Signals of each stretch on its own: a run does not go on across a declared change of limits."""
        found: list[Signal] = []
        for at, stretch in enumerate(self.limits):
            if not stretch.usable:
                continue
            end = self.limits[at + 1].start if at + 1 < len(self.limits) else len(self.values)
            for signal in signals(self.z[stretch.start : end], standard, rules):
                start = stretch.start
                point, first, last = signal.at + start, signal.first + start, signal.last + start
                found.append(replace(signal, at=point, first=first, last=last))
        return tuple(found)

    @property
    def outside(self) -> tuple[int, ...]:
        """The points beyond a limit; one on a limit is not."""
        return tuple(signal.at for signal in self.signals(rules=(1,)))


def xmr(
    values: Sequence[float],
    *,
    baseline: tuple[int, int] | None = None,
    changes: Sequence[int] = (),
    floor: float | None = None,
) -> Chart:
    """Individual values with natural process limits: mean ± 3 × mean moving range ÷ 1.128.

    `baseline` is (first, end), half-open, of the points that set the limits; without it all points of the
    stretch do. `changes` are the points at which new limits were declared. `floor` cuts a lower limit that
    the
    measure cannot reach (a duration below zero).
    """
    data = _numbers(values)
    draft = _Draft("XmR", data, floor)
    for start, first, end in _stretches(len(data), baseline, changes):
        base = data[first:end]
        ranges = np.abs(np.diff(base))
        sigma = float(ranges.mean()) / D2 if len(ranges) else 0.0
        size = len(data) - start
        draft.add(start, first, end, float(base.mean()), np.full(size, sigma))
    return draft.chart()


def moving_range(values: Sequence[float], *, baseline: tuple[int, int] | None = None) -> Chart:
    """The moving ranges under an XmR chart; the first point has none, so point i is |x(i+1) − x(i)|."""
    data = np.abs(np.diff(_numbers(values)))
    if len(data) == 0:
        raise ValueError("A moving range needs two values.")
    first, end = baseline or (0, len(data) + 1)
    mean = float(data[first : max(end - 1, first + 1)].mean())
    draft = _Draft("mR", data, 0.0)
    draft.add(0, first, max(end - 1, first + 1), mean, np.full(len(data), mean * (D4 - 1) / 3))
    return draft.chart()


def p_chart(
    defective: Sequence[int],
    sizes: int | Sequence[int],
    *,
    baseline: tuple[int, int] | None = None,
    changes: Sequence[int] = (),
) -> Chart:
    """Shares of defective items, each point with the limits of its own sample size."""
    counts, n = _counts(defective, sizes)
    if np.any(counts > n):
        raise ValueError("A sample cannot have more defective items than items.")
    draft = _Draft("p", counts / n, 0.0, ceiling=1.0)
    for start, first, end in _stretches(len(counts), baseline, changes):
        share = float(counts[first:end].sum() / n[first:end].sum())
        draft.add(start, first, end, share, np.sqrt(share * (1 - share) / n[start:]))
    return draft.chart()


def u_chart(
    counts: Sequence[int],
    exposure: float | Sequence[float],
    *,
    baseline: tuple[int, int] | None = None,
    changes: Sequence[int] = (),
) -> Chart:
    """Counts per unit of exposure (defects per deployment, incidents per week)."""
    found, units = _counts(counts, exposure)
    draft = _Draft("u", found / units, 0.0)
    for start, first, end in _stretches(len(found), baseline, changes):
        rate = float(found[first:end].sum() / units[first:end].sum())
        draft.add(start, first, end, rate, np.sqrt(rate / units[start:]))
    return draft.chart()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether something changed at a point, told by the limits before and after."""

    before: Limits
    after: Limits
    changed: bool
    sentence: str


def compare(
    values: Sequence[float], change: int, standard: Standard | str = Standard.WESTERN_ELECTRIC
) -> Comparison:
    """Did the improvement change anything? Limits from before are held against the points after it."""
    _bounded(change, len(values))
    return _compared(xmr(values, baseline=(0, change)), xmr(values[change:]), change, standard)


def compare_counts(
    chart: Callable[..., Chart],
    counts: Sequence[int],
    totals: Sequence[float],
    change: int,
    standard: Standard | str = Standard.WESTERN_ELECTRIC,
    said: Callable[[float], str] = "{:.3g}".format,
) -> Comparison:
    """The same for shares or rates; `chart` is `p_chart` or `u_chart`, `said` writes a value."""
    _bounded(change, len(counts))
    before = chart(counts, totals, baseline=(0, change))
    return _compared(before, chart(counts[change:], totals[change:]), change, standard, said)


def _bounded(change: int, size: int) -> None:
    if not 2 <= change <= size - 2:
        raise ValueError("Two points at least are needed before and after the change.")


def _compared(
    before: Chart,
    after: Chart,
    change: int,
    standard: Standard | str,
    said: Callable[[float], str] = "{:.3g}".format,
) -> Comparison:
    found = [signal for signal in before.signals(standard) if signal.last >= change]
    old, new = before.limits[0], after.limits[0]
    if not old.usable:
        return Comparison(old, new, False, old.sentence)
    direction = "rose" if new.center > old.center else "fell"
    means = f"the average {direction} from {said(old.center)} to {said(new.center)}"
    if found:
        sentence = f"Signal: {found[0].text} after the change; {means}."
    else:
        sentence = (
            f"No signal: the points after the change lie within the variation before it, though {means}."
        )
    return Comparison(old, new, bool(found), sentence)


class _Draft:
    """Fills the arrays of a chart stretch by stretch; a later stretch overwrites what an earlier one drew."""

    def __init__(self, kind: str, values: Any, floor: float | None, ceiling: float | None = None):
        self.kind, self.values, self.floor, self.ceiling = kind, values, floor, ceiling
        self.center, self.upper, self.lower, self.z = (np.empty(len(values)) for _ in range(4))
        self.limits: list[Limits] = []

    def add(self, start: int, first: int, end: int, center: float, sigma: Any) -> None:
        usable = bool(np.all(sigma > 0)) and end - first > 1
        self.center[start:] = center
        self.upper[start:] = center + 3 * sigma
        self.lower[start:] = center - 3 * sigma
        distance = self.values[start:] - center
        self.z[start:] = np.divide(distance, sigma, out=np.zeros(len(distance)), where=sigma > 0)
        points = end - first
        if not usable:
            sentence = "The baseline does not vary, so it sets no limits and no point can be a signal."
        elif points < FEW_POINTS:
            sentence = f"Limits from {points} points only; they will move when more are added."
        else:
            sentence = ""
        self.limits.append(Limits(start, first, end - 1, center, sentence, usable))

    def chart(self) -> Chart:
        if self.floor is not None:
            self.lower = np.maximum(self.lower, self.floor)
        if self.ceiling is not None:
            self.upper = np.minimum(self.upper, self.ceiling)

        def plain(values: Any) -> tuple[float, ...]:
            return tuple(values.tolist())

        return Chart(
            self.kind,
            plain(self.values),
            plain(self.center),
            plain(self.upper),
            plain(self.lower),
            plain(self.z),
            tuple(self.limits),
        )


def _stretches(
    size: int, baseline: tuple[int, int] | None, changes: Sequence[int]
) -> list[tuple[int, int, int]]:
    """(start, baseline first, baseline end) of every stretch; the declared baseline belongs to the first."""
    starts = [0, *sorted(set(changes) - {0})]
    if any(not 0 <= at < size for at in starts):
        raise ValueError("A declared change must be one of the points.")
    ends = [*starts[1:], size]
    found = [(start, start, end) for start, end in zip(starts, ends, strict=True)]
    if baseline is not None:
        first, end = baseline
        if not 0 <= first < end <= ends[0]:
            raise ValueError("The baseline lies within the points before the first declared change.")
        found[0] = (0, first, end)
    return found


def _numbers(values: Sequence[float]) -> Any:
    data = np.asarray(values, dtype=np.float64)
    if len(data) == 0 or not np.all(np.isfinite(data)):
        raise ValueError("A chart needs at least one point, and every point a finite number.")
    return data


def _counts(counts: Sequence[int], sizes: float | Sequence[float]) -> tuple[Any, Any]:
    found = _numbers(counts)
    units = np.broadcast_to(np.asarray(sizes, dtype=np.float64), found.shape)
    if np.any(found < 0) or not np.all(units > 0):
        raise ValueError("Counts are zero or more, and every sample is larger than zero.")
    return found, units


__all__ = [
    "TOLERANCE",
    "Chart",
    "Comparison",
    "Limits",
    "compare",
    "compare_counts",
    "moving_range",
    "p_chart",
    "u_chart",
    "xmr",
]
