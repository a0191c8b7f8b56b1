"""Pages of controls: the coverage matrix of a period, and the rows behind each of its numbers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from governance.actions.assessments import mark_item, schedule_assessment
from governance.actions.controls import import_catalogue, load_starter
from governance.models import Control, ControlAssessment, ControlMapping, Disposal
from governance.pages.csv_file import csv_file
from governance.queries.asked import asked_period
from governance.queries.coverage import (
    OUTCOMES,
    STATES,
    Coverage,
    Line,
    Period,
    Row,
    coverage,
    rows_of,
    title_of,
)
from governance.queries.matrix import due_assessments, matrix
from releasetrain.interface import links
from releasetrain.interface.pages import page
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref, refuse
from releasetrain.tenancy.models import row_id

SHOWN_ROWS = 200
_TONES = {"exceptions": "bad", "idle": "warn", "unmapped": "warn", "operated": "ok", "not_applicable": ""}


@require_safe
def show(request: Any) -> HttpResponse:
    """The matrix with its filters."""
    period = asked_period(request.GET)
    found = matrix(request.GET, period)
    asked = _period_query(period)
    kept = {k: request.GET[k] for k in ("catalogue", "baseline", "q") if request.GET.get(k)}
    root = links.page_root()
    context = {
        "title": "Controls",
        "section": "controls",
        "matrix": found,
        "states": [
            (state, word, found.counts[state], _TONES[state], urlencode({**kept, **asked, "state": state}))
            for state, word in STATES.items()
        ],
        "state": request.GET.get("state", ""),
        "families": [
            (name, [(line, _cells(line, asked)) for line in lines]) for name, lines in found.families
        ],
        "given": request.GET,
        "due": due_assessments(),
        "all_query": urlencode({**kept, **asked}),
        "csv_query": urlencode({**kept, **asked, "state": request.GET.get("state", "")}),
        "root": root,
        "last_day": _last_day(period),
        "importing": (import_catalogue.decide(request.actor), links.verb_url(import_catalogue)),
        "starting": (load_starter.decide(request.actor), links.verb_url(load_starter)),
    }
    return page(request, "governance/controls/matrix.html", context)


def _cells(line: Coverage, asked: dict[str, str]) -> list[tuple[str, int, str]]:
    """Each number with the address of its rows."""
    return [
        (name, getattr(line.tally, name), _rows_query(asked, control=line.control.pk, outcome=name))
        for name in OUTCOMES
    ]


def _rows_query(asked: dict[str, str], **more: Any) -> str:
    return urlencode({**asked, **{k: str(v) for k, v in more.items() if v}})


def _period_query(period: Period) -> dict[str, str]:
    return {"from": period.starts.isoformat(), "until": _last_day(period).isoformat()}


def _last_day(period: Period) -> date:
    return period.ends - timedelta(days=1)


@require_safe
def export(request: Any) -> HttpResponse:
    """The matrix as a table, one line for each thing that a control rests on."""
    found = matrix(request.GET, asked_period(request.GET))
    header = [
        "Catalogue", "Control", "Title", "Family", "State", "Rests on", "Name",
        "Operated", "Passed", "Failed", "Waived", "Open", "Conclusion",
    ]  # fmt: skip
    return csv_file("control-coverage", header, (cells for line in found.lines for cells in _lines(line)))


def _lines(line: Coverage) -> list[list[Any]]:
    control = line.control
    start = [control.catalogue.code, control.code, control.title, control.group, line.state]
    conclusion = line.assessment.conclusion if line.assessment else ""
    if not line.lines:
        return [[*start, "", "", 0, 0, 0, 0, 0, conclusion]]
    return [
        [
            *start,
            each.mapping.kind,
            each.mapping.target,
            each.tally.operated,
            *(getattr(each.tally, name) for name in OUTCOMES),
            conclusion,
        ]
        for each in line.lines
    ]


def rows_asked(given: Any) -> tuple[Control, Period, list[tuple[ControlMapping, list[Row]]], str]:
    """The rows behind a number: of a control (or one of its mappings), a period and an outcome."""
    period = asked_period(given)
    outcome = given.get("outcome", "")
    if outcome not in ("", *OUTCOMES):
        refuse("filter.outcome", f"An outcome is one of {', '.join(OUTCOMES)}.", field="outcome", status=422)
    wanted, only = row_id(given.get("control", "")), given.get("mapping", "")
    mappings = ControlMapping.objects.filter(retired_at__isnull=True).select_related("control__catalogue")
    mappings = mappings.filter(pk=row_id(only)) if only else mappings.filter(control=wanted)
    listed = list(mappings.order_by("kind", "target"))
    control = listed[0].control if listed else Control.objects.filter(pk=wanted).first()
    if control is None:
        refuse("filter.control", "There is no such control.", field="control", status=404)
    return control, period, [(m, rows_of(m, period, outcome, SHOWN_ROWS + 1)) for m in listed], outcome


@require_safe
def rows(request: Any) -> HttpResponse:
    """The rows behind a number of the matrix."""
    control, period, found, outcome = rows_asked(request.GET)
    audit = request.actor.may("audit.read")
    root = links.page_root()
    context = {
        "title": f"{control.code}: what operated",
        "section": "controls",
        "crumbs": [
            ("Controls", f"{root}control-coverage/?{urlencode(_period_query(period))}"),
            (control.code, ""),
        ],
        "control": control,
        "period": period,
        "last_day": _last_day(period),
        "outcome": outcome,
        "groups": [
            (
                mapping,
                title_of(mapping.kind, mapping.target) or mapping.target,
                [(row, _address(row, audit, root)) for row in listed[:SHOWN_ROWS]],
                len(listed) > SHOWN_ROWS,
            )
            for mapping, listed in found
        ],
        "outcomes": [
            (name, urlencode({**_period_query(period), "control": control.pk, "outcome": name}))
            for name in ("", *OUTCOMES)
        ],
        "root": root,
    }
    return page(request, "governance/controls/rows.html", context)


def _address(row: Row, audit: bool, root: str) -> str:
    if row.kind == "ledgerentry":
        return f"{root}audit/{row.id}/" if audit else ""
    return links.url_for(row.object) if row.object is not None else ""


def control_context(request: Any, control: Control) -> dict[str, Any]:
    """What a control's own page shows besides its facts: what it rests on, and its assessments."""
    period = asked_period({})
    (line,) = coverage([control], period)
    return {
        "coverage": line,
        "period": period,
        "lines": [(each, _line_cells(each, period)) for each in line.lines],
        "assessments": list(
            ControlAssessment.objects.filter(control=control)
            .select_related("assessor")
            .order_by("-ends")[:10]
        ),
        "scheduling": (
            schedule_assessment.decide(request.actor),
            f"{links.verb_url(schedule_assessment)}?control={control.pk}",
        ),
        "rows_root": f"{links.page_root()}control-coverage/rows",
        "today": now().date(),
    }


def _line_cells(line: Line, period: Period) -> list[tuple[str, int, str]]:
    asked = _period_query(period)
    return [
        (name, getattr(line.tally, name), _rows_query(asked, mapping=line.mapping.pk, outcome=name))
        for name in OUTCOMES
    ]


def assessment_context(request: Any, assessment: ControlAssessment) -> dict[str, Any]:
    """The sample with the way to each row, and the act of marking."""
    audit, root = request.actor.may("audit.read"), links.page_root()

    def address(item: dict[str, Any]) -> str:
        if item["kind"] == "ledgerentry":
            return f"{root}audit/{item['id']}/" if audit else ""
        return links.url_of_ref(Ref(item["kind"], item["id"], item["label"]))

    return {
        "sample": [(number, item, address(item)) for number, item in enumerate(assessment.sample, 1)],
        "marking": (mark_item.decide(request.actor, assessment), links.verb_url(mark_item, assessment)),
    }


def disposal_context(request: Any, disposal: Disposal) -> dict[str, Any]:
    """The first of the files, and how many more there are."""
    items = list(disposal.items)
    return {"items": items[:SHOWN_ROWS], "more": max(0, len(items) - SHOWN_ROWS)}
