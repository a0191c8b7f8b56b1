"""Cumulative flow: how much work stands in each state over time, finished at the bottom."""

from __future__ import annotations

from collections.abc import Sequence

from .drawing import Chart, Drawing, Plot, direct_labels, room_for, said


def cumulative_flow(
    title: str,
    labels: Sequence[str],
    layers: Sequence[tuple[str, Sequence[float]]],
    *,
    unit: str = "items",
    width: int = 560,
    height: int = 220,
) -> Chart:
    """`layers` from the bottom (finished) to the top (not begun).

    Names stand at the right edge, with the last value.
    """
    count = len(labels)
    totals = [sum(values[i] for _, values in layers) for i in range(count)]
    tags = [f"{name} {said(values[-1] if values else 0)}" for name, values in layers]
    drawing = Drawing(width, height)
    plot = Plot.of(drawing, count, 0, max(totals, default=1) * 1.05 or 1, right=room_for(tags, 40) + 6)
    plot.grid()
    plot.names(labels)
    below = [0.0] * count
    wanted = []
    for number, ((name, values), tag) in enumerate(zip(layers, tags, strict=True), start=1):
        above = [b + float(v) for b, v in zip(below, values, strict=True)]
        edge = [(plot.x(i), plot.y(v)) for i, v in enumerate(above)]
        edge += [(plot.x(i), plot.y(below[i])) for i in range(count - 1, -1, -1)]
        if count > 1:
            drawing.path(f"a{min(number, 6)}", edge, closed=True, tip=name)
        if count:
            wanted.append(((plot.y(above[-1]) + plot.y(below[-1])) / 2, tag, ""))
        below = above
    direct_labels(plot, wanted)
    last = ", ".join(tags)
    finding = f"Last period: {last} {unit}; total {said(totals[-1] if totals else 0)}."
    rows = [
        [label, *(said(values[i]) for _, values in layers), said(totals[i])] for i, label in enumerate(labels)
    ]
    return Chart(title, finding, drawing, ["Period", *(name for name, _ in layers), "Total"], rows)
