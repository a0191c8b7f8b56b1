"""A dashboard's answer as CSV: the figures, or one of its charts or tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.text import slugify

from metrics.dashboards import Answer, Dashboard, Figure, Link
from releasetrain.kernel.refusals import refuse

FIGURES = "figures"
HEADER = (
    "name", "title", "value", "unit", "low", "high", "rows", "sample", "quality", "left out", "definition",
)  # fmt: skip
Sheet = tuple[Sequence[str], list[Sequence[Any]]]


def part_of(title: str) -> str:
    """The word by which a chart or table is asked for."""
    return slugify(title)[:60]


def parts(answer: Answer) -> list[str]:
    """Everything of the answer that can be had as CSV."""
    return [FIGURES, *(part_of(each.title) for each in (*answer.charts, *answer.tables))]


def sheet(dashboard: Dashboard, answer: Answer, part: str = FIGURES) -> Sheet:
    """Header and rows of one part."""
    if part == FIGURES:
        return HEADER, [_figure(dashboard, each) for each in answer.figures]
    for chart in answer.charts:
        if part_of(chart.title) == part:
            return chart.columns, list(chart.rows)
    for table in answer.tables:
        if part_of(table.title) == part:
            return table.columns, [[_cell(cell) for cell in row] for row in table.rows]
    refuse("part.unknown", f"part is one of {', '.join(parts(answer))}."[:400], field="part")


def _figure(dashboard: Dashboard, figure: Figure) -> Sequence[Any]:
    definition = dashboard.definition(figure.defined_by)
    low, high = figure.interval or (None, None)
    left_out = "; ".join(f"{e.count} {e.sentence}" for e in figure.excluded)
    version = f"{definition.formula} (version {definition.version})" if definition else ""
    return (
        figure.name, figure.title, figure.value, figure.unit, low, high, figure.count, figure.sample, figure.quality,
        left_out, version,
    )  # fmt: skip


def _cell(cell: Any) -> Any:
    if isinstance(cell, Link):
        return cell.text
    return cell.isoformat() if hasattr(cell, "isoformat") else cell
