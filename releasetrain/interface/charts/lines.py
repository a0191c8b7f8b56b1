"""Lines: series with percentile bands, and burn-up with forecast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .control import unbroken
from .drawing import Chart, Drawing, Plot, direct_labels, room_for, said

Series = Sequence[float | None]


@dataclass(frozen=True)
class Band:
    """A range around a series, e.g. the 15th to the 85th percentile."""

    name: str
    low: Series
    high: Series


def line_chart(
    title: str,
    labels: Sequence[str],
    series: Mapping[str, Series],
    *,
    unit: str = "",
    bands: Sequence[Band] = (),
    target: tuple[str, float] | None = None,
    dashed: Sequence[str] = (),
    zero: bool = True,
    width: int = 560,
    height: int = 210,
) -> Chart:
    """Up to six series with their names at the line's end; gaps where a value is None."""
    every = [
        v
        for values in (*series.values(), *(b.low for b in bands), *(b.high for b in bands))
        for v in values
        if v is not None
    ]
    every += [target[1]] if target else []
    low, high = min(every, default=0.0), max(every, default=1.0)
    low = min(0.0, low) if zero else low - (high - low) * 0.1
    high = high + ((high - low) * 0.08 or 1.0)
    ends = {
        name: next((v for v in reversed(values) if v is not None), None) for name, values in series.items()
    }
    tags = {name: f"{name} {said(end)}" for name, end in ends.items() if end is not None}
    drawing = Drawing(width, height)
    plot = Plot.of(
        drawing,
        len(labels),
        low,
        high,
        right=room_for([*tags.values(), *([target[0]] if target else [])], 20) + 6,
    )
    plot.grid()
    plot.names(labels)
    for number, band in enumerate(bands):
        both = [
            (i, lo, hi)
            for i, (lo, hi) in enumerate(zip(band.low, band.high, strict=True))
            if lo is not None and hi is not None
        ]
        edge = [(plot.x(i), plot.y(hi)) for i, _, hi in both] + [
            (plot.x(i), plot.y(lo)) for i, lo, _ in reversed(both)
        ]
        if len(both) > 1:
            drawing.path("band" if number == 0 else "band inner", edge, closed=True, tip=band.name)
    wanted: list[tuple[float, str, str]] = []
    if target:
        drawing.line("target", plot.left, plot.y(target[1]), plot.right, plot.y(target[1]))
        wanted.append((plot.y(target[1]), target[0], ""))
    for number, (name, values) in enumerate(series.items(), start=1):
        css = f"line c{number}" + (" dash" if name in dashed else "")
        for part in unbroken([None if v is None else (plot.x(i), plot.y(v)) for i, v in enumerate(values)]):
            drawing.path(css, part)
        for i, value in enumerate(values):
            if value is not None and len(labels) <= 60:
                tip = f"{labels[i]}, {name}: {said(value, 2)} {unit}".rstrip()
                drawing.add(
                    "circle",
                    f"pt c{number}",
                    tip=tip,
                    cx=f"{plot.x(i):.1f}",
                    cy=f"{plot.y(value):.1f}",
                    r="2.2",
                )
        end = ends[name]
        last = max((i for i, v in enumerate(values) if v is not None), default=0)
        if end is not None and last >= len(labels) - 1:
            wanted.append((plot.y(end), tags[name], ""))
        elif end is not None:
            drawing.text(plot.x(last), plot.y(end) - 9, tags[name], "strong", "middle")
    direct_labels(plot, wanted)
    finding = (
        "; ".join(
            f"{name}: from {said(_first(v))} to {said(ends[name])} {unit}".rstrip()
            for name, v in series.items()
        )
        + "."
    )
    columns = ["Period", *series, *(f"{b.name} {side}" for b in bands for side in ("low", "high"))]
    columns_of = [*series.values(), *(side for b in bands for side in (b.low, b.high))]
    rows = [[label, *(said(values[i], 2) for values in columns_of)] for i, label in enumerate(labels)]
    return Chart(title, finding, drawing, columns, rows)


def burn_up(
    title: str,
    labels: Sequence[str],
    scope: Series,
    done: Series,
    *,
    unit: str = "points",
    forecast: Band | None = None,
    width: int = 560,
    height: int = 210,
) -> Chart:
    """Scope and finished work over time, with a range of what is to be expected."""
    chart = line_chart(
        title,
        labels,
        {"done": done, "scope": scope},
        unit=unit,
        bands=[forecast] if forecast else [],
        dashed=["scope"],
        width=width,
        height=height,
    )
    have = next((v for v in reversed(done) if v is not None), 0.0) or 0.0
    want = next((v for v in reversed(scope) if v is not None), 0.0) or 0.0
    share = f" ({100 * have / want:.0f} %)" if want else ""
    finding = f"{said(have)} of {said(want)} {unit} done{share}; scope began at {said(_first(scope))}."
    return Chart(title, finding, chart.drawing, chart.columns, chart.rows)


def _first(values: Series) -> float | None:
    return next((v for v in values if v is not None), None)
