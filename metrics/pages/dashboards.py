"""Pages of every dashboard: the dashboard, the rows behind each number, and the same as file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from governance.pages.csv_file import csv_file
from metrics.asking import Choices, Question, question_from
from metrics.dashboards import Answer, Dashboard, dashboards, found_dashboard
from metrics.presenting.printing import printed
from metrics.presenting.spreadsheet import FIGURES, part_of, sheet
from metrics.rules.definitions import Metric
from metrics.rules.periods import Bucket
from metrics.rules.speaking import spoken
from releasetrain.interface import links
from releasetrain.interface.pages import page
from releasetrain.kernel.refusals import Refused
from trains.models import Service, Team, Train

FIRST = "delivery"
FORMS = ("csv", "pdf", "png")
WIDE = 700
_LISTS: dict[str, tuple[str, str, Callable[[], Choices]]] = {
    "train": ("Train", "All trains", lambda: _listed(Train, "key", "key", "name")),
    "team": ("Team", "All teams", lambda: _listed(Team, "code", "name")),
    "service": ("Service", "All services", lambda: _listed(Service, "name", "name")),
}


def _listed(model: Any, order: str, *names: str) -> Choices:
    """Ids with names, without making objects of them."""
    return [
        (str(pk), " ".join(said)) for pk, *said in model.objects.order_by(order).values_list("pk", *names)
    ]


def the_dashboard(name: str) -> Dashboard:
    found = found_dashboard(name)
    if found is None:
        raise Http404("No such dashboard.")
    return found


def asked_of(dashboard: Dashboard, given: Mapping[str, str], zone: str) -> Question:
    """The question that an address puts to a dashboard; filters it does not know are not listened to."""
    question = question_from(given, zone, dashboard.options, dashboard.days)
    ignored = {each: "" for each in ("train", "team", "service") if each not in dashboard.filters}
    return replace(question, wanted=replace(question.wanted, **ignored)) if ignored else question


def _asked(request: Any, dashboard: Dashboard) -> tuple[Question, str]:
    """The question, or the default one and why the given one makes no sense."""
    zone = request.organization.time_zone
    try:
        return asked_of(dashboard, request.GET, zone), ""
    except Refused as refused:
        return asked_of(dashboard, {}, zone), str(refused)


@require_safe
def first(request: Any) -> HttpResponse:
    """The dashboard that metrics open with."""
    return _shown(request, the_dashboard(FIRST))


@require_safe
def show(request: Any, name: str) -> HttpResponse:
    """A dashboard; the name of a delivery metric leads to its rows."""
    if name in {metric.value for metric in Metric}:
        query = request.META.get("QUERY_STRING", "")
        return HttpResponseRedirect(f"{_root()}{FIRST}/{name}/{'?' if query else ''}{query}")
    return _shown(request, the_dashboard(name))


def _root() -> str:
    return f"{links.page_root()}metrics/"


def _shown(request: Any, dashboard: Dashboard) -> HttpResponse:
    question, problem = _asked(request, dashboard)
    answer = dashboard.answer(question)
    root = f"{_root()}{dashboard.name}"
    context = {
        "section": "metrics",
        "title": dashboard.title,
        "crumbs": [("Metrics", _root()), (dashboard.title, "")],
        "dashboard": dashboard,
        "question": question,
        "problem": problem,
        "answer": answer,
        "tabs": tabs(dashboard),
        "tiles": [
            (figure, figure.said, dashboard.definition(figure.defined_by),
             f"{root}/{figure.name}/?{question.query}" if figure.rows else "")
            for figure in answer.figures
        ],
        "charts": [(c, f"{root}.csv?{question.query}&part={part_of(c.title)}") for c in answer.charts
                   if c.drawing.width <= WIDE],
        "wide_charts": [(c, f"{root}.csv?{question.query}&part={part_of(c.title)}") for c in answer.charts
                        if c.drawing.width > WIDE],
        "tables": [(t, f"{root}.csv?{question.query}&part={part_of(t.title)}") for t in answer.tables],
        "definitions": _used_definitions(dashboard, answer),
        "poor": any(gap.poor for gap in answer.quality),
        "selects": _selects(dashboard, question),
        "files": [(form.upper(), f"{root}.{form}?{question.query}") for form in FORMS],
        "wall_url": f"{links.page_root()}wall/",
        "may_schedule": request.actor.may("metrics.manage"),
        "schedule_url": f"{links.page_root()}report-schedules/new?dashboard={dashboard.name}",
        "json_url": f"{links.api_root()}/metrics/{dashboard.name}?{question.query}",
    }  # fmt: skip
    return page(request, "metrics/dashboard.html", context, status=422 if problem else 200)


def tabs(current: Dashboard | None = None) -> list[dict[str, Any]]:
    """All dashboards as tabs."""
    return [
        {"label": each.title, "url": f"{_root()}{each.name}/", "current": each is current, "count": None}
        for each in dashboards()
    ]


def _used_definitions(dashboard: Dashboard, answer: Answer) -> list[Any]:
    used = {figure.defined_by for figure in answer.figures}
    return [each for each in dashboard.definitions if each.name in used or not answer.figures]


def _selects(dashboard: Dashboard, question: Question) -> list[dict[str, Any]]:
    """The choices of the form above a dashboard."""
    found = []
    for name in dashboard.filters:
        label, everything, listed = _LISTS[name]
        choices = [("", everything), *listed()]
        found.append(
            {"name": name, "label": label, "choices": choices, "value": getattr(question.wanted, name)}
        )
    found += [
        {
            "name": o.name,
            "label": o.label,
            "choices": o.offered(),
            "value": question.options[o.name],
            "chosen": question.options[o.name].split(",") if o.multiple else None,
        }
        for o in dashboard.options
    ]
    if dashboard.bucketed:
        choices = [(b.value, b.value.capitalize()) for b in Bucket]
        found.append({"name": "bucket", "label": "By", "choices": choices, "value": question.bucket.value})
    return found


@require_safe
def rows(request: Any, name: str, figure: str) -> HttpResponse:
    """The rows that one number was computed from, and those left out with the reason."""
    dashboard = the_dashboard(name)
    question, problem = _asked(request, dashboard)
    found = dashboard.answer(question).figure(figure)
    if found is None or found.rows is None:
        raise Http404("No such figure.")
    table = found.rows()
    context = {
        "section": "metrics",
        "title": found.title,
        "crumbs": [
            ("Metrics", _root()),
            (dashboard.title, f"{_root()}{dashboard.name}/?{question.query}"),
            (found.title, ""),
        ],
        "figure": found,
        "said": found.said,
        "definition": dashboard.definition(found.defined_by),
        "question": question,
        "problem": problem,
        "table": table,
        "total": table.total if table.total is not None else len(table.rows),
        "percentiles": [(p, spoken(found.unit, v)) for p, v in sorted(found.percentiles.items())],
        "share_interval": found.interval if found.unit == "share" else None,
    }
    return page(request, "metrics/rows.html", context, status=422 if problem else 200)


@require_safe
def as_file(request: Any, name: str, form: str) -> HttpResponse:
    """A dashboard as CSV, PDF or PNG; a question without sense is refused."""
    dashboard = the_dashboard(name)
    question = asked_of(dashboard, request.GET, request.organization.time_zone)
    return file_of(dashboard, question, form, request.GET.get("part", FIGURES), request.organization.name)


def file_of(
    dashboard: Dashboard, question: Question, form: str, part: str, organization: str
) -> HttpResponse:
    """The answer in one of its forms, as a download."""
    answer = dashboard.answer(question)
    if form == "csv":
        header, found = sheet(dashboard, answer, part)
        return csv_file(file_name(dashboard, question, part), header, found)
    content = printed(dashboard, question, answer, organization, form)  # type: ignore[arg-type]
    return HttpResponse(
        content,
        content_type="application/pdf" if form == "pdf" else "image/png",
        headers={"Content-Disposition": f'inline; filename="{file_name(dashboard, question)}.{form}"'},
    )


def file_name(dashboard: Dashboard, question: Question, part: str = FIGURES) -> str:
    extra = "" if part == FIGURES else f" {part}"
    return slugify(f"{dashboard.name} {question.first} {question.last}{extra}")
