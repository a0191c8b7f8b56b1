"""Cells of dashboards' tables as page elements."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django import template
from django.utils.html import format_html

from metrics.dashboards import Link, Table
from releasetrain.interface.formats import number
from releasetrain.interface.links import url_for
from releasetrain.interface.templatetags.kit import when

register = template.Library()
SENTENCE = 40


@register.filter
def cells(table: Table) -> list[list[tuple[Any, bool]]]:
    """Rows of (element, stands right)."""
    right = [column in table.numbers for column in table.columns]
    return [[(_element(cell), side) for cell, side in zip(row, right, strict=True)] for row in table.rows]


def _element(cell: Any) -> Any:
    if cell is None:
        return "–"
    if isinstance(cell, Link):
        url = cell.to if isinstance(cell.to, str) else url_for(cell.to)
        return format_html('<a href="{}">{}</a>', url, cell.text) if url else cell.text
    if isinstance(cell, datetime | date):
        return when(cell)
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return number(cell if isinstance(cell, int) else round(cell, 2))
    # A sentence needs room on a small screen, where its column would get what the numbers leave.
    return format_html('<span class="said">{}</span>', cell) if len(str(cell)) > SENTENCE else cell
