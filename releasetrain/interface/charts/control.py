"""Control charts: single values (XmR) and shares (p). Shapes, not only colours, mark the signals."""

from __future__ import annotations

from collections.abc import Sequence

from .drawing import Chart, Drawing, Plot, direct_labels, said
from .process import RUN, Limits, natural_limits, run_signals, share_limits


def control_chart(
    title: str,
    points: Sequence[tuple[str, float]],
    *,
    unit: str = "",
    baseline: int = 20,
    limits: Limits | None = None,
    events: Sequence[tuple[int, str]] = (),
    floor: float | None = 0.0,
    width: int = 560,
    height: int = 210,
) -> Chart:
    """An XmR chart; its limits come from the first `baseline` points, or are given.

    Without enough points it shows the run alone.
    """
    labels, values = [p[0] for p in points], [float(p[1]) for p in points]
    limits = limits or natural_limits(values, baseline, floor)
    reach = [*values, *([limits.upper, limits.lower] if limits else [])]
    high, low = _extent(reach, floor)
    drawing = Drawing(width, height)
    plot = Plot.of(drawing, len(values), low, high, right=84 if limits else 20)
    plot.grid()
    plot.names(labels)
    _events(plot, events)
    if limits:
        names = [(limits.upper, "upper", "limit"), (limits.mean, "mean", "mean")]
        if floor is None or limits.lower > floor:
            names.append((limits.lower, "lower", "limit"))
        for value, _, css in names:
            drawing.line(css, plot.left, plot.y(value), plot.right, plot.y(value))
        direct_labels(plot, [(plot.y(value), f"{name} {said(value)}", "") for value, name, _ in names])
    drawing.path("line", [(plot.x(i), plot.y(v)) for i, v in enumerate(values)])
    band = [(limits.lower, limits.upper)] * len(values) if limits else None
    found = _points(plot, labels, values, band, limits.mean if limits else None, unit=unit)
    if limits:
        finding = (
            f"{len(values)} points, mean {said(limits.mean)} {unit}, limits {said(limits.lower)} to "
            f"{said(limits.upper)} from the first {limits.baseline} points, {_count(found)}."
        )
    else:
        finding = f"{len(values)} points; limits need {baseline}."
    rows = [[label, said(value, 2)] for label, value in points]
    return Chart(title, finding, drawing, ["Period", unit or "Value"], rows, found)


def p_chart(
    title: str,
    points: Sequence[tuple[str, int, int]],
    *,
    baseline: int = 20,
    events: Sequence[tuple[int, str]] = (),
    width: int = 560,
    height: int = 210,
) -> Chart:
    """Shares of changing totals (label, count, total): the limits of each point follow its own total."""
    labels = [p[0] for p in points]
    shares = [count / total if total else None for _, count, total in points]
    first = points[:baseline]
    cases = sum(total for _, _, total in first)
    mean = sum(count for _, count, _ in first) / cases if cases and len(points) >= baseline else None
    band = [share_limits(mean, total) for _, _, total in points] if mean is not None else None
    tops = [s for s in shares if s is not None] + (
        [upper for (_, upper), p in zip(band, points, strict=True) if p[2]] if band else []
    )
    high = min(1.0, max(tops, default=0.1) * 1.12) or 0.1
    drawing = Drawing(width, height)
    plot = Plot.of(drawing, len(points), 0, 100 * high, right=84 if band else 20)
    plot.grid()
    plot.names(labels)
    _events(plot, events)
    if band and mean is not None:
        for side in (1, 0):
            edge = [100 * limits[side] for limits in band]
            if any(edge):
                drawing.path("limit", _stairs(plot, edge))
        drawing.line("mean", plot.left, plot.y(100 * mean), plot.right, plot.y(100 * mean))
        wanted = [
            (plot.y(100 * mean), f"mean {said(100 * mean)} %", ""),
            (plot.y(100 * band[-1][1]), f"upper {said(100 * band[-1][1])} %", ""),
        ]
        direct_labels(plot, wanted)
    for part in unbroken([None if s is None else (plot.x(i), plot.y(100 * s)) for i, s in enumerate(shares)]):
        drawing.path("line", part)
    percent = [None if s is None else 100 * s for s in shares]
    scaled = [(100 * lower, 100 * upper) for lower, upper in band] if band else None
    found = _points(plot, labels, percent, scaled, 100 * mean if mean is not None else None, unit="%")
    if mean is None:
        finding = f"{len(points)} points; limits need {baseline}."
    else:
        source = f"from the first {baseline} points ({cases} cases)"
        finding = f"{len(points)} points, mean {said(100 * mean)} % {source}, {_count(found)}."
    rows = [
        [label, str(count), str(total), said(share)]
        for (label, count, total), share in zip(points, percent, strict=True)
    ]
    return Chart(title, finding, drawing, ["Period", "Count", "Of", "%"], rows, found)


def _extent(values: Sequence[float], floor: float | None) -> tuple[float, float]:
    high, low = max(values, default=1.0), min(values, default=0.0)
    pad = (high - low) * 0.1 or abs(high) * 0.1 or 1.0
    return high + pad, (floor if floor is not None and low >= floor else low - pad)


def _events(plot: Plot, events: Sequence[tuple[int, str]]) -> None:
    for index, name in events:
        at = plot.x(index)
        plot.drawing.line("event", at, plot.top, at, plot.bottom)
        near_end = at > plot.left + 0.75 * (plot.right - plot.left)
        plot.drawing.text(
            at - 4 if near_end else at + 4, plot.top + 7, name, anchor="end" if near_end else ""
        )


def _points(
    plot: Plot,
    labels: Sequence[str],
    values: Sequence[float | None],
    band: Sequence[tuple[float, float]] | None,
    mean: float | None,
    *,
    unit: str,
) -> list[str]:
    """Draw the points by what they are, and say the signals as sentences."""
    runs = run_signals(values, mean) if mean is not None else []
    in_run = {i for start, end, _ in runs for i in range(start + RUN - 1, end + 1)}
    found: list[tuple[int, str]] = []
    for index, value in enumerate(values):
        if value is None:
            continue
        x, y = plot.x(index), plot.y(value)
        tip = f"{labels[index]}: {said(value, 2)} {unit}".rstrip()
        lower, upper = band[index] if band else (float("-inf"), float("inf"))
        if value > upper or value < lower:
            side, bound = ("above the upper", upper) if value > upper else ("below the lower", lower)
            plot.drawing.path(
                "out",
                [(x, y - 6), (x + 6, y), (x, y + 6), (x - 6, y)],
                closed=True,
                tip=f"{tip}, outside the limits",
            )
            places = 1 if said(value) != said(bound) else 3
            sentence = f"{labels[index]}: {said(value, places)} {unit} is {side} limit {said(bound, places)}."
            found.append((index, sentence.replace("  ", " ")))
        elif index in in_run:
            plot.drawing.add("circle", "run", tip=f"{tip}, in a run", cx=f"{x:.1f}", cy=f"{y:.1f}", r="3.4")
        else:
            plot.drawing.add("circle", "pt", tip=tip, cx=f"{x:.1f}", cy=f"{y:.1f}", r="2.4")
    for start, end, direction in runs:
        where = "above" if direction > 0 else "below"
        count = end - start + 1
        found.append((start, f"{labels[start]} to {labels[end]}: {count} points in a row {where} the mean."))
    return [sentence for _, sentence in sorted(found)]


def _count(found: Sequence[str]) -> str:
    return "no signals" if not found else "1 signal" if len(found) == 1 else f"{len(found)} signals"


def _stairs(plot: Plot, values: Sequence[float]) -> list[tuple[float, float]]:
    half = (plot.x(1) - plot.x(0)) / 2 if len(values) > 1 else 0
    steps: list[tuple[float, float]] = []
    for index, value in enumerate(values):
        steps += [
            (max(plot.left, plot.x(index) - half), plot.y(value)),
            (min(plot.right, plot.x(index) + half), plot.y(value)),
        ]
    return steps


def unbroken(points: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """The stretches between gaps."""
    parts: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            parts.append([])
        else:
            parts[-1].append(point)
    return [part for part in parts if len(part) > 1]
