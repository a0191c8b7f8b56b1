"""Pages of figures and aids: recurrence with its cost, analysis of fixes, the decision aid, known errors, preflight."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from governance.pages.csv_file import csv_file
from governance.queries.asked import asked_period
from governance.queries.coverage import Period
from problems.models import Incident, Problem
from problems.models.vocabulary import SEVERITIES
from problems.queries import aid, fix_analysis, groups, known_errors, preflight
from releasetrain.interface import links
from releasetrain.interface.charts import Chart, bar_chart, line_chart
from releasetrain.interface.pages import page
from releasetrain.interface.resources import resource_of
from releasetrain.kernel.refusals import refuse
from trains.models import Deployment, Environment, Release, Train


def asked_train(given: Mapping[str, str]) -> tuple[Period, Train | None]:
    """The period and the train that an address names."""
    key = given.get("train", "")[:40].replace("\0", "")
    train = Train.objects.filter(key=key).first() if key else None
    if key and train is None:
        refuse("filter.train", f"There is no train {key}.", field="train", status=422)
    return asked_period(given), train


def _frame(request: Any, title: str, path: str, period: Period, train: Train | None) -> dict[str, Any]:
    """What every page of a period shows around its figures."""
    last = period.ends - timedelta(days=1)
    asked = {"from": period.starts.isoformat(), "until": last.isoformat()}
    return {
        "title": title,
        "section": path,
        "crumbs": [("Problems", f"{links.page_root()}problems/"), (title, "")],
        "period": period,
        "last_day": last,
        "train": train,
        "trains": list(Train.objects.filter(archived_at__isnull=True).order_by("name")),
        "query": urlencode(asked | ({"train": train.key} if train else {})),
        "path": path,
        "root": links.page_root(),
    }


@require_safe
def recurrence(request: Any) -> HttpResponse:
    """Recurring incidents in groups, the costliest first, and what ends them."""
    period, train = asked_train(request.GET)
    found = groups.recurrence(period.first, period.last, train)
    return page(
        request,
        "problems/recurrence.html",
        {
            **_frame(request, "Recurrence", "recurrence", period, train),
            "found": found,
            "definitions": groups.DEFINITIONS,
            "chart": _costs(found),
            "points": found.policy.currency == "pts",
        },
    )


def _costs(found: groups.Recurrence) -> Chart | None:
    top = found.fixes[:10]
    if not top:
        return None
    unit = "points" if found.policy.currency == "pts" else found.policy.currency
    bars = [(f"{g.service.name} {g.fingerprint or g.category_label}"[:48], round(g.cost, 1)) for g in top]
    return bar_chart("What recurrence cost", bars, unit=unit)


@require_safe
def recurrence_csv(request: Any) -> HttpResponse:
    """The groups as a table."""
    period, train = asked_train(request.GET)
    found = groups.recurrence(period.first, period.last, train)
    lines = [
        [
            g.service.name,
            g.category,
            g.fingerprint,
            g.count,
            round(g.hours, 3),
            round(g.cost, 2),
            g.answer,
            " ".join(p.key for p in g.problems),
            " ".join(r.key for r in g.releases),
            "yes" if g.ended else "no",
        ]
        for g in found.groups
    ]
    head = ["Service", "Category", "Fingerprint", "Incidents", "Hours", f"Cost ({found.policy.currency})"]
    return csv_file("recurrence", [*head, "Answer", "Problems", "Releases", "Ended by release"], lines)


@require_safe
def analysis(request: Any) -> HttpResponse:
    """What fixes came to."""
    period, train = asked_train(request.GET)
    found = fix_analysis.analysis(period.first, period.last, train)
    trend = None
    if found.trend and len(found.months) > 1:
        trend = line_chart("Incidents by category", found.months, found.trend, unit="incidents")
    return page(
        request,
        "problems/fix_analysis.html",
        {
            **_frame(request, "Analysis of fixes", "fix-analysis", period, train),
            "found": found,
            "definitions": fix_analysis.DEFINITIONS,
            "trend": trend,
            "tables": [
                ("Recurrence by team", "team", found.by_team, fix_analysis.DEFINITIONS["recurrence"]),
                (
                    "Fail rate by category",
                    "category",
                    found.by_category,
                    fix_analysis.DEFINITIONS["fail_rate"],
                ),
                (
                    "What lay behind failed fixes",
                    "pattern",
                    found.patterns,
                    fix_analysis.DEFINITIONS["patterns"],
                ),
            ],
        },
    )


@require_safe
def analysis_rows(request: Any) -> HttpResponse:
    """The deployments behind a figure."""
    period, train = asked_train(request.GET)
    found = fix_analysis.analysis(period.first, period.last, train)
    named = found.rows(request.GET.get("figure", "")[:200])
    if named is None:
        refuse("filter.figure", "There is no such figure in this period.", field="figure", status=404)
    title, ids = named
    frame = _frame(request, title, "fix-analysis", period, train)
    rows = Deployment.objects.filter(pk__in=ids).select_related("service", "environment", "release")
    return page(
        request,
        "problems/fix_rows.html",
        {
            **frame,
            "crumbs": [("Analysis of fixes", f"{frame['root']}fix-analysis/?{frame['query']}"), (title, "")],
            "rows": list(rows.order_by("-started_at")),
        },
    )


@require_safe
def analysis_csv(request: Any) -> HttpResponse:
    """The fixes of the period as a table, one deployment a line."""
    period, train = asked_train(request.GET)
    found = fix_analysis.analysis(period.first, period.last, train)
    lines = [
        [
            str(f.id),
            f.at.isoformat() if f.at else "",
            f.team,
            f.category,
            f.items,
            round(f.days_since_last, 2) if f.days_since_last is not None else None,
            "yes" if f.failed else "no",
            {True: "yes", False: "no", None: "not known yet"}[f.came_back],
            " ".join(f.causes),
        ]
        for f in found.fixes
    ]
    head = ["Deployment", "Started", "Team", "Category", "Items in the release", "Days since the last fix"]
    return csv_file("fix-analysis", [*head, "Failed", "Came back", "Causes found"], lines)


@require_safe
def decision_aid(request: Any, ref: str) -> HttpResponse:
    """Urgency against stability for one problem."""
    problem = _find(request, Problem, ref)
    found = aid.aid_for(problem)
    chart = None
    if found.options:
        chart = bar_chart(
            "Cost of waiting and of risk",
            [(o.label, (round(o.waiting, 1), round(o.risk, 1))) for o in found.options],
            parts=("waiting", "risk"),
            tones=("warn", "bad"),
            unit="points" if found.policy.currency == "pts" else found.policy.currency,
        )
    releases = {r.key: r for r in Release.objects.filter(pk__in=found.releases.values())}
    return page(
        request,
        "problems/decision_aid.html",
        {
            "title": "Urgency against stability",
            "section": "problems",
            "crumbs": [(problem.key, links.url_for(problem)), ("Urgency against stability", "")],
            "problem": problem,
            "found": found,
            "options": [{"option": o, "release": releases.get(o.label)} for o in found.options],
            "chart": chart,
            "note": aid.NOTE,
            "api": f"/api/v1/orgs/{request.organization.slug}/problems/{problem.key}/decision-aid",
        },
    )


@require_safe
def search_known_errors(request: Any) -> HttpResponse:
    """Known errors, by words or for an incident that is being handled."""
    words = request.GET.get("q", "")[:200]
    ref = request.GET.get("incident", "")[:60]
    incident = _find(request, Incident, ref) if ref else None
    return page(
        request,
        "problems/known_errors.html",
        {
            "title": "Known errors",
            "section": "known-errors",
            "crumbs": [("Problems", f"{links.page_root()}problems/"), ("Known errors", "")],
            "words": words,
            "incident": incident,
            "retired": request.GET.get("retired") == "1",
            "hits": known_errors.search(words, incident, retired=request.GET.get("retired") == "1"),
        },
    )


@require_safe
def on_environment(request: Any, ref: str) -> HttpResponse:
    """Open problems before a start on an environment."""
    environment = _find(request, Environment, ref)
    asked = request.GET.get("release", "")[:60]
    release = _find(request, Release, asked) if asked else None
    severity = request.GET.get("severity", "4")
    worst = int(severity) if severity in ("1", "2", "3", "4") else 4
    lines = preflight.problems_on(environment, release, worst)
    waiting = Release.objects.exclude(
        state__in=(Release.State.CLOSED, Release.State.CANCELLED, Release.State.ROLLED_BACK)
    )
    return page(
        request,
        "problems/on_environment.html",
        {
            "title": f"Open problems for {environment.name}",
            "section": "problems",
            "crumbs": [(environment.name, links.url_for(environment)), ("Open problems", "")],
            "environment": environment,
            "release": release,
            "releases": list(waiting.order_by("target_at", "key")[:50]),
            "severities": SEVERITIES,
            "worst": worst,
            "lines": lines,
            "open": sum(len(line.open) for line in lines),
        },
    )


def _find(request: Any, model: Any, ref: str) -> Any:
    resource = resource_of(model)
    found = resource.find(request.actor, ref.replace("\0", "")) if resource else None
    if found is None:
        raise Http404
    return found
