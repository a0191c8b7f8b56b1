"""The report on governance: success of changes, emergencies, waivers, the way to approval; numbers open their rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from governance.pages.csv_file import csv_file
from governance.queries.asked import asked_period
from governance.queries.governance_report import Figure, Report, report
from releasetrain.interface import links
from releasetrain.interface.charts import Chart, bar_chart
from releasetrain.interface.formats import duration
from releasetrain.interface.pages import page
from releasetrain.interface.resources import by_kind
from releasetrain.kernel.refusals import refuse
from trains.models import Train

_TONES = ("ok", "warn", "bad")


def asked_report(given: Mapping[str, str]) -> Report:
    """The report of the period and train that an address names."""
    key = given.get("train", "")[:40].replace("\0", "")
    train = Train.objects.filter(key=key).first() if key else None
    if key and train is None:
        refuse("filter.train", f"There is no train {key}.", field="train", status=422)
    return report(asked_period(given), train)


@require_safe
def show(request: Any) -> HttpResponse:
    """The report with its charts."""
    found = asked_report(request.GET)
    asked = _query(found)
    context = {
        "title": "Governance report",
        "section": "governance-report",
        "report": found,
        "last_day": found.period.ends - timedelta(days=1),
        "trains": list(Train.objects.filter(archived_at__isnull=True).order_by("name")),
        "totals": [(f, _rows(f, asked)) for f in found.totals],
        "tables": [
            (
                table,
                [(group, [(f, _rows(f, asked)) for f in group.figures]) for group in table.groups],
                _chart(table.title, table.groups),
            )
            for table in found.tables
        ],
        "approved_query": urlencode({**asked, "figure": "approved"}),
        "median": duration(found.waits.median) if found.waits.median is not None else "",
        "slowest": duration(found.waits.slowest) if found.waits.slowest is not None else "",
        "waits_chart": _waits_chart(found),
        "query": urlencode(asked),
        "root": links.page_root(),
    }
    return page(request, "governance/report/report.html", context)


def _query(found: Report) -> dict[str, str]:
    last = found.period.ends - timedelta(days=1)
    asked = {"from": found.period.starts.isoformat(), "until": last.isoformat()}
    return {**asked, "train": found.train.key} if found.train else asked


def _rows(figure: Figure, asked: dict[str, str]) -> str:
    return urlencode({**asked, "figure": figure.key})


def _chart(title: str, groups: Any) -> Chart | None:
    """Outcomes side by side, where there are outcomes to compare."""
    if not groups or len(groups[0].figures) != 4:
        return None
    words = [f.title for f in groups[0].figures[1:]]
    return bar_chart(
        title, [(g.name, tuple(f.count for f in g.figures[1:])) for g in groups], parts=words, tones=_TONES
    )


def _waits_chart(found: Report) -> Chart | None:
    days = [(where, round(span.total_seconds() / 86400, 2)) for where, span in found.waits.by_state]
    return bar_chart("Days spent on the way to approval", days, unit="days") if days else None


@require_safe
def rows(request: Any) -> HttpResponse:
    """The rows behind a figure."""
    found = asked_report(request.GET)
    figure = found.figure(request.GET.get("figure", "")[:200])
    if figure is None:
        refuse("filter.figure", "The report has no such figure in this period.", field="figure", status=404)
    resource = by_kind(figure.kind)
    assert resource is not None
    listed = list(resource.loaded(request.actor).filter(pk__in=figure.rows))
    root = links.page_root()
    context = {
        "title": figure.title,
        "section": "governance-report",
        "crumbs": [
            ("Governance report", f"{root}governance-report/?{urlencode(_query(found))}"),
            (figure.title, ""),
        ],
        "figure": figure,
        "rows": listed,
        "report": found,
        "last_day": found.period.ends - timedelta(days=1),
    }
    return page(request, "governance/report/rows.html", context)


@require_safe
def export(request: Any) -> HttpResponse:
    """The report as a table."""
    found = asked_report(request.GET)
    lines = [["Totals", "", f.title, f.count, f.share] for f in found.totals]
    lines += [
        [t.title, g.name, f.title, f.count, f.share]
        for t in found.tables
        for g in t.groups
        for f in g.figures
    ]
    lines += [
        ["Way to approval", where, "Days", round(span.total_seconds() / 86400, 3), None]
        for where, span in found.waits.by_state
    ]
    return csv_file("governance-report", ["Section", "Group", "Figure", "Number", "Share"], lines)
