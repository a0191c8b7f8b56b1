"""Sparkline: a word-sized line beside a number."""

from __future__ import annotations

from collections.abc import Sequence

from .drawing import Chart, Drawing, Scale, said


def sparkline(
    title: str, values: Sequence[float | None], *, unit: str = "", width: int = 120, height: int = 32
) -> Chart:
    """The last value is marked; there are no axes, so the number stands beside it in words."""
    have = [float(v) for v in values if v is not None]
    drawing = Drawing(width, height)
    x = Scale(0, max(1, len(values) - 1), 3, width - 5)
    y = Scale(min(have, default=0), max(have, default=1), height - 5, 5)
    points = [(x(i), y(v)) for i, v in enumerate(values) if v is not None]
    if len(points) > 1:
        drawing.path("line", points)
    if points:
        drawing.add("circle", "pt", cx=f"{points[-1][0]:.1f}", cy=f"{points[-1][1]:.1f}", r="3")
    span = (
        f"{len(have)} values from {said(min(have))} to {said(max(have))}, last {said(have[-1])} {unit}"
        if have
        else "No values"
    )
    rows = [[str(i + 1), said(v, 2)] for i, v in enumerate(values)]
    return Chart(
        title, span.rstrip() + ".", drawing, ["Point", unit or "Value"], rows, css="chart spark small"
    )
