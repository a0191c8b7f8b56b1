"""A dashboard's answer as JSON data."""

from __future__ import annotations

from typing import Any

from metrics.asking import Question
from metrics.dashboards import Answer, Dashboard, Definition, Figure, Link, Table
from releasetrain.interface.charts import Chart
from releasetrain.interface.links import url_for


def described(dashboard: Dashboard) -> dict[str, Any]:
    """What a dashboard is: its words, its options, its definitions."""
    return {
        "name": dashboard.name,
        "title": dashboard.title,
        "about": dashboard.about,
        "filters": list(dashboard.filters),
        "options": [
            {"name": o.name, "label": o.label, "choices": [v for v, _ in o.offered()], "default": o.default}
            for o in dashboard.options
        ],
        "definitions": [defined(d) for d in dashboard.definitions],
    }


def defined(definition: Definition | None) -> dict[str, Any] | None:
    if definition is None:
        return None
    return {
        "name": definition.name,
        "title": definition.title,
        "version": definition.version,
        "text": definition.text,
        "formula": definition.formula,
    }


def asked(question: Question) -> dict[str, Any]:
    """The question as it was understood."""
    wanted = question.wanted
    return {
        "from": question.first,
        "until": question.last,
        "zone": question.zone,
        "bucket": question.bucket.value,
        "train": wanted.train or None,
        "team": wanted.team or None,
        "service": wanted.service or None,
        **question.options,
    }


def figure_data(dashboard: Dashboard, figure: Figure) -> dict[str, Any]:
    return {
        "name": figure.name,
        "title": figure.title,
        "value": figure.value,
        "unit": figure.unit,
        "interval": list(figure.interval) if figure.interval else None,
        "percentiles": {str(k): v for k, v in figure.percentiles.items()},
        "rows": figure.count,
        "note": figure.note,
        "sample": figure.sample,
        "quality": figure.quality,
        "band": figure.band,
        "excluded": [{"reason": e.reason, "sentence": e.sentence, "rows": e.count} for e in figure.excluded],
        "definition": defined(dashboard.definition(figure.defined_by)),
    }


def table_data(table: Table) -> dict[str, Any]:
    return {
        "title": table.title,
        "columns": list(table.columns),
        "rows": [[cell_data(cell) for cell in row] for row in table.rows],
        "total": table.total if table.total is not None else len(table.rows),
        "note": table.note,
    }


def cell_data(cell: Any) -> Any:
    if isinstance(cell, Link):
        return {"text": cell.text, "url": cell.to if isinstance(cell.to, str) else url_for(cell.to)}
    return cell


def chart_data(chart: Chart) -> dict[str, Any]:
    return {
        "title": chart.title,
        "finding": chart.finding,
        "signals": list(chart.signals),
        "columns": list(chart.columns),
        "rows": [list(row) for row in chart.rows],
    }


def as_data(dashboard: Dashboard, question: Question, answer: Answer) -> dict[str, Any]:
    """The whole answer."""
    return {
        "dashboard": dashboard.name,
        "title": dashboard.title,
        "question": asked(question),
        "figures": [figure_data(dashboard, each) for each in answer.figures],
        "charts": [chart_data(each) for each in answer.charts],
        "tables": [table_data(each) for each in answer.tables],
        "quality": [{"sentence": gap.sentence, "covered": gap.covered} for gap in answer.quality],
        "notes": list(answer.notes),
        "empty": answer.empty,
    }
