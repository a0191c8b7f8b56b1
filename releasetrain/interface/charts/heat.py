"""Heat map: rows by columns, five steps of one hue, the number printed in each cell."""

from __future__ import annotations

from collections.abc import Sequence

from .drawing import Chart, Drawing, room_for, said

CELL = 26


def heat_map(
    title: str,
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float | None]],
    *,
    unit: str = "",
    highest: float | None = None,
    width: int = 560,
) -> Chart:
    """`values[row][column]`; None is a cell without data.

    `highest` fixes the top of the scale so that charts compare.
    """
    flat = [v for line in values for v in line if v is not None]
    top = highest or max(flat, default=0) or 1
    left = room_for(rows, 60) + 6
    wide = (width - left) / max(1, len(columns))
    every = max(1, -(-int(room_for(columns)) // max(1, int(wide))))
    drawing = Drawing(width, 24 + CELL * max(1, len(rows)))
    for j, column in enumerate(columns):
        if j % every == 0:
            drawing.text(left + j * wide + wide / 2, 14, column, anchor="middle")
    for i, row in enumerate(rows):
        y = 22 + i * CELL
        drawing.text(0, y + 16, row, room=left)
        for j, column in enumerate(columns):
            value = values[i][j]
            step = 0 if not value or value < 0 else min(5, 1 + int(5 * value / top * 0.9999))
            tip = (
                f"{row}, {column}: {said(value)} {unit}".rstrip()
                if value is not None
                else f"{row}, {column}: no data"
            )
            drawing.add(
                "rect",
                f"h{step}",
                tip=tip,
                x=f"{left + j * wide:.1f}",
                y=y,
                width=f"{max(1, wide - 2):.1f}",
                height=CELL - 2,
                rx=2,
            )
            if wide >= 18:
                drawing.text(left + j * wide + wide / 2 - 1, y + 16, said(value), f"ht{step}", "middle")
    peak = max(
        ((v, i, j) for i, line in enumerate(values) for j, v in enumerate(line) if v is not None),
        default=None,
    )
    finding = f"{len(rows)} rows, {len(columns)} columns."
    if peak:
        most = f"{said(peak[0])} {unit}".rstrip()
        finding += f" Highest: {rows[peak[1]]}, {columns[peak[2]]}, {most}."
    table = [[row, *(said(v, 2) for v in values[i])] for i, row in enumerate(rows)]
    return Chart(title, finding, drawing, ["", *columns], table)
