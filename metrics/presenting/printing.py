"""A dashboard on paper and as a picture: the same figures and charts, with their definitions beside them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Literal

from django.utils import timezone

from metrics.asking import Question
from metrics.dashboards import Answer, Dashboard, Figure, Link, Table
from releasetrain.interface.typesetting import NotSet, typeset
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse

TEMPLATE = Path(__file__).parent / "dashboard.typ"
SECONDS = 30
MOST_ROWS, BRIEF_ROWS = 40, 4
Form = Literal["pdf", "png"]


def printed(
    dashboard: Dashboard, question: Question, answer: Answer, organization: str, form: Form = "pdf"
) -> bytes:
    """The dashboard as PDF (A4), or as one PNG picture as long as it needs to be."""
    data = _document(dashboard, question, answer, organization, form)
    with tempfile.TemporaryDirectory(prefix="dashboard-") as folder:
        target = Path(folder) / f"dashboard.{form}"
        try:
            typeset(Path(folder) / "set", TEMPLATE, data, target, int(now().timestamp()), SECONDS, form=form)
            return target.read_bytes()
        except NotSet as error:
            refuse("dashboard.not_set", str(error)[:300], remedy="Try again later.", status=503)


def _document(
    dashboard: Dashboard, question: Question, answer: Answer, organization: str, form: Form
) -> dict[str, Any]:
    used = {each.defined_by for each in answer.figures}
    return {
        "picture": form == "png",
        "brief": dashboard.brief,
        "organization": organization,
        "title": dashboard.title,
        "about": dashboard.about,
        "meta": f"{question.first:%-d %B %Y} to {question.last:%-d %B %Y}, days in {question.zone}",
        "empty": answer.empty,
        "figures": [_figure(each) for each in answer.figures],
        "charts": [
            {"title": c.title, "svg": c.standalone, "finding": c.finding, "signals": list(c.signals),
             "wide": c.drawing.width > 700}
            for c in answer.charts
        ],
        "tables": [_table(each, BRIEF_ROWS if dashboard.brief else MOST_ROWS) for each in answer.tables],
        "quality": [gap.sentence for gap in answer.quality],
        "notes": list(answer.notes),
        "definitions": [
            {"title": d.title, "text": d.text, "formula": d.formula, "version": d.version}
            for d in dashboard.definitions
            if d.name in used
        ],
        "foot": f"{organization}, {dashboard.title}, as of {timezone.localtime(now()):%d %b %Y %H:%M %Z}",
    }  # fmt: skip


def _figure(figure: Figure) -> dict[str, Any]:
    value, unit = figure.said
    low, high = figure.interval or (None, None)
    return {
        "title": figure.title,
        "value": value,
        "unit": unit,
        "band": figure.band,
        "note": figure.sample or figure.note,
        "quality": figure.quality,
        "trend": figure.trend.standalone if figure.trend else "",
        "interval": f"95 % interval {low:.1%} to {high:.1%}" if low is not None and high is not None and
        figure.unit == "share" else "",
    }  # fmt: skip


def _table(table: Table, most: int) -> dict[str, Any]:
    shown = [[_cell(cell) for cell in row] for row in table.rows[:most]]
    total = table.total if table.total is not None else len(table.rows)
    note = f"{len(shown)} of {total} rows. {table.note}" if len(shown) < total else table.note
    return {
        "title": table.title,
        "columns": list(table.columns),
        "numbers": [column in table.numbers for column in table.columns],
        "rows": shown,
        "note": note.strip(),
        "empty": table.empty,
    }


def _cell(cell: Any) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, Link):
        return cell.text
    if hasattr(cell, "hour"):
        return f"{timezone.localtime(cell):%d %b %Y %H:%M}"
    if hasattr(cell, "strftime"):
        return f"{cell:%d %b %Y}"
    return f"{cell:,.2f}".rstrip("0").rstrip(".") if isinstance(cell, float) else str(cell)
