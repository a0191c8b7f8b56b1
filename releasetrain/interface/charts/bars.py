"""Bars: one row per item, in parts where asked; and the histogram."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from releasetrain.interface.wording import told

from .drawing import CHARACTER, Chart, Drawing, Plot, Scale, room_for, round_step, said

ROW = 26


def _with(value: float, unit: str) -> str:
    """A value with its unit: 5 deployments, 1 deployment, 20 ms."""
    one = value == 1 and len(unit) > 2 and unit.endswith("s")
    return f"{said(value)} {unit[:-1] if one else unit}".rstrip()


def bar_chart(
    title: str,
    items: Sequence[tuple[str, Sequence[float] | float]],
    *,
    parts: Sequence[str] = (),
    tones: Sequence[str] = (),
    unit: str = "",
    target: tuple[str, float] | None = None,
    width: int = 560,
) -> Chart:
    """Horizontal bars with the value at the end.

    With `parts` each item has several values, stacked; `tones` colours them by status.
    """
    rows = [
        (name, [float(v) for v in (value if isinstance(value, Sequence) else [value])])
        for name, value in items
    ]
    totals = [sum(values) for _, values in rows]
    ends = [_with(total, unit) for total in totals]
    left, right = room_for([name for name, _ in rows], 50) + 4, room_for(ends, 30) + 6
    head = 24 if parts else 4
    drawing = Drawing(width, head + ROW * max(1, len(rows)) + (18 if target else 2))
    x = Scale(0, max([*totals, *([target[1]] if target else [])], default=1) or 1, left, width - right)
    at = left
    for number, part in enumerate(parts):
        drawing.add("rect", _css(number, tones), x=f"{at:.0f}", y=4, width=10, height=10, rx=2)
        drawing.text(at + 15, 13, part)
        at += 15 + (len(told(part)) + 2) * CHARACTER + 8
    for i, ((name, values), end) in enumerate(zip(rows, ends, strict=True)):
        y, start = head + i * ROW, 0.0
        drawing.text(left - 8, y + 16, name, anchor="end", room=left)
        for number, value in enumerate(values):
            what = f"{name}, {parts[number]}" if parts else name
            wide = x(start + value) - x(start)
            if wide > 0:
                css = _css(number, tones) if parts or not tones else f"bar {tones[i % len(tones)]}"
                drawing.add(
                    "rect",
                    css,
                    tip=f"{what}: {_with(value, unit)}",
                    x=f"{x(start):.1f}",
                    y=y + 3,
                    width=f"{wide:.1f}",
                    height=ROW - 8,
                    rx=2,
                )
            start += value
        drawing.text(x(totals[i]) + 6, y + 16, end, "strong")
    if target:
        drawing.line("target", x(target[1]), head, x(target[1]), head + ROW * len(rows))
        drawing.text(x(target[1]), head + ROW * len(rows) + 13, target[0], anchor="middle")
    top = max(zip(totals, rows, strict=True), key=lambda pair: pair[0], default=None)
    finding = f"{len(rows)} items."
    if top:
        finding = f"{len(rows)} items; largest {top[1][0]} with {_with(top[0], unit)}."
    columns = ["Item", *parts, "Total"] if parts else ["Item", unit or "Value"]
    table = [
        [name, *(said(v, 2) for v in values), *([said(sum(values), 2)] if parts else [])]
        for name, values in rows
    ]
    return Chart(title, finding, drawing, columns, table)


def _css(number: int, tones: Sequence[str]) -> str:
    return f"bar {tones[number]}" if number < len(tones) else f"bar c{number % 6 + 1}"


def histogram(
    title: str,
    values: Sequence[float],
    *,
    unit: str = "",
    bins: int = 0,
    markers: Sequence[tuple[str, float]] = (),
    width: int = 560,
    height: int = 200,
) -> Chart:
    """How often values fall into equal ranges; `markers` are verticals such as percentiles."""
    drawing = Drawing(width, height)
    if not values:
        return Chart(title, "No values.", drawing, [unit or "Range", "Count"], [])
    low, high = float(min(values)), float(max(values))
    count = bins or min(30, max(1, math.ceil(math.sqrt(len(values)))))
    step = round_step(high - low, count) if high > low else 1.0
    low = math.floor(low / step) * step
    count = max(1, math.floor((high - low) / step + 1e-9) + 1)
    high = low + count * step
    counts = [0] * count
    for value in values:
        counts[min(count - 1, int((value - low) / step))] += 1
    plot = Plot.of(drawing, 2, 0, max(counts) * 1.15)
    plot.grid(4)
    x = Scale(low, high, plot.left, plot.right)
    places = max(1, math.ceil(-math.log10(step)) + 1)
    edges = [said(low + i * step, places) for i in range(count + 1)]
    every = max(1, math.ceil((count + 1) * room_for(edges, 30) / (plot.right - plot.left)))
    for i, edge in enumerate(edges):
        if i % every == 0:
            drawing.text(x(low + i * step), plot.bottom + 17, edge, anchor="middle")
    for i, n in enumerate(counts):
        tip = f"{edges[i]} to {edges[i + 1]} {unit}".rstrip() + f": {n}"
        start, end = x(low + i * step), x(low + (i + 1) * step)
        box = {"x": f"{start + 1:.1f}", "width": f"{max(1.0, end - start - 2):.1f}"}
        drawing.add(
            "rect", "bar", tip=tip, y=f"{plot.y(n):.1f}", height=f"{plot.bottom - plot.y(n):.1f}", **box
        )
    for n, (name, value) in enumerate(markers):
        at = x(value)
        drawing.line("event", at, plot.top, at, plot.bottom)
        ends = at > plot.left + 0.8 * (plot.right - plot.left)
        drawing.text(
            at - 4 if ends else at + 4,
            plot.top + 8 + 13 * (n % 3),
            f"{name} {said(value)}",
            "strong",
            "end" if ends else "",
        )
    reach = f"from {said(min(values))} to {said(max(values))} {unit}".rstrip()
    finding = f"{len(values)} values {reach}, median {said(median(values))}."
    rows = [[f"{edges[i]} to {edges[i + 1]}", str(n)] for i, n in enumerate(counts)]
    return Chart(title, finding, drawing, [unit or "Range", "Count"], rows)
