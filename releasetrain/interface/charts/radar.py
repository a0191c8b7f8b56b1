"""Radar: several answers to the same questions, the latest drawn full and earlier ones dashed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from .drawing import CHARACTER, Chart, Drawing, said

RINGS = 5


def radar_chart(
    title: str,
    axes: Sequence[str],
    series: Mapping[str, Sequence[float | None]],
    *,
    highest: float = RINGS,
    width: int = 420,
    height: int = 330,
) -> Chart:
    """`series` from the oldest to the latest, each with a value per axis; an axis without a value stays at the centre."""
    drawing = Drawing(width, height)
    x0, y0 = width / 2, height / 2 + 4
    reach = min(width / 2 - 96, height / 2 - 42)

    def at(index: int, share: float) -> tuple[float, float]:
        angle = 2 * math.pi * index / max(1, len(axes)) - math.pi / 2
        return x0 + reach * share * math.cos(angle), y0 + reach * share * math.sin(angle)

    for ring in range(1, RINGS + 1):
        points = [at(i, ring / RINGS) for i in range(len(axes))]
        drawing.path("grid", [*points, points[0]] if points else [])
    for i, axis in enumerate(axes):
        drawing.line("grid", x0, y0, *at(i, 1))
        x, y = at(i, 1.12)
        anchor = "middle" if abs(x - x0) < 12 else "start" if x > x0 else "end"
        room = (width - x if anchor == "start" else x) if anchor != "middle" else width
        drawing.text(x, y + 4, axis, anchor=anchor, room=max(6 * CHARACTER, room))
    names = list(series)
    for number, (name, values) in enumerate(series.items()):
        latest = number == len(names) - 1
        css = "line" if latest else f"line c{(len(names) - 1 - number) % 5 + 2} dash"
        points = [at(i, (v or 0) / highest) for i, v in enumerate(values)]
        if points:
            drawing.path(css, [*points, points[0]], tip=name)
        if latest:
            for i, value in enumerate(values):
                x, y = points[i]
                tip = f"{axes[i]}, {name}: {said(value)}"
                drawing.add("circle", "pt", tip=tip, cx=f"{x:.1f}", cy=f"{y:.1f}", r="3.5")
    for number, name in enumerate(reversed(names)):
        drawing.text(6, 14 + 15 * number, name, "strong" if number == 0 else "")
    rows = [
        [axis, *(said(values[i]) if i < len(values) else "–" for values in series.values())]
        for i, axis in enumerate(axes)
    ]
    return Chart(title, _finding(axes, series), drawing, ["Dimension", *names], rows)


def _finding(axes: Sequence[str], series: Mapping[str, Sequence[float | None]]) -> str:
    if not series:
        return "No answers yet."
    rounds = list(series.values())
    known = [(v, axes[i]) for i, v in enumerate(rounds[-1]) if v is not None]
    if not known:
        return "No answers yet."
    low, high = min(known), max(known)
    text = f"Lowest {low[1]} with {said(low[0])}, highest {high[1]} with {said(high[0])}"
    if len(rounds) > 1:
        moves = [
            (now - before, axes[i])
            for i, (before, now) in enumerate(zip(rounds[-2], rounds[-1], strict=False))
            if before is not None and now is not None
        ]
        better = [name for move, name in moves if move > 0]
        worse = [name for move, name in moves if move < 0]
        text += f"; since the time before {len(better)} better, {len(worse)} worse"
        if worse:
            text += f" ({', '.join(worse)})"
    return text + "."
