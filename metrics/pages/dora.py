"""Delivery performance: the five metrics of a period, their charts, and the rows behind every number."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from metrics.charts import charts_of, group_map
from metrics.queries.dora import Wanted
from metrics.queries.quality import data_quality
from metrics.report import Question, question_from, report
from metrics.rules.definitions import DEFINITIONS, Metric
from metrics.rules.dora import LeadStart, Measure
from metrics.rules.periods import Bucket
from metrics.rules.tiers import tier
from releasetrain.interface.pages import page
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.models import row_id
from trains.models import Commit, Deployment, Service, Team, Train

TIER_YEAR = 2024
ROWS = 200


def _question(request: Any) -> tuple[Question, str]:
    """The question, or the default one and why the given one makes no sense."""
    zone = request.organization.time_zone
    try:
        return question_from(request.GET, zone), ""
    except Refused as refused:
        return question_from({}, zone), str(refused)


def spoken(metric: Metric, value: float | None) -> tuple[str, str]:
    """A value as people say it: number and unit."""
    if value is None:
        return "–", ""
    if metric in (Metric.CHANGE_FAIL_RATE, Metric.REWORK_RATE):
        return f"{value * 100:.1f}", "%"
    if metric == Metric.DEPLOYMENT_FREQUENCY:
        return (f"{value:.1f}", "per day") if value >= 1 else (f"{value * 7:.1f}", "per week")
    for seconds, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if value >= seconds:
            return f"{value / seconds:.1f}", unit
    return f"{value:.0f}", "s"


def _tile(metric: Metric, measure: Measure, address: str) -> dict[str, Any]:
    value, unit = spoken(metric, measure.value)
    answer = tier(metric, measure.value, TIER_YEAR)
    return {
        "title": measure.definition.title,
        "value": value,
        "unit": unit,
        "note": measure.sample or _counted(measure),
        "band": f"{answer.tier}, {TIER_YEAR} report" if answer.tier else "",
        "url": address,
        "excluded": measure.excluded,
        "definition": measure.definition,
    }


def _counted(measure: Measure) -> str:
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in measure.counts.items())


def _asked(question: Question) -> str:
    """The question as the query of an address."""
    w = question.wanted
    pairs = {
        "from": question.first.isoformat(), "until": question.last.isoformat(), "train": w.train, "team": w.team,
        "service": w.service, "start": question.start.value, "bucket": question.bucket.value,
    }  # fmt: skip
    return "&".join(f"{name}={value}" for name, value in pairs.items() if value)


def _by(wanted: Wanted) -> str:
    if wanted.service or wanted.team or wanted.train:
        return "service"
    return "train" if Train.objects.filter(archived_at__isnull=True).count() > 1 else "service"


@require_safe
def dashboard(request: Any) -> HttpResponse:
    """The dashboard."""
    question, problem = _question(request)
    found = report(question, by=_by(question.wanted))
    query = _asked(question)
    tiles = [_tile(metric, measure, f"{metric.value}/?{query}") for metric, measure in found.measures.items()]
    context = {
        "section": "metrics",
        "title": "Delivery performance",
        "question": question,
        "problem": problem,
        "tiles": tiles,
        "charts": charts_of(found) if found.rows.log.rows else [],
        "map": group_map(found) if found.rows.log.rows else None,
        "quality": data_quality(question.period, question.wanted),
        "total": len(found.rows.log.rows),
        "trains": Train.objects.order_by("key"),
        "teams": Team.objects.order_by("code"),
        "services": Service.objects.order_by("name"),
        "starts": [(s.value, s.value.capitalize()) for s in LeadStart],
        "buckets": [(b.value, b.value.capitalize()) for b in Bucket],
        "query": query,
    }
    return page(request, "metrics/dora.html", context, status=422 if problem else 200)


@require_safe
def rows(request: Any, metric: str) -> HttpResponse:
    """The rows that one number was computed from, and those left out with the reason."""
    if metric not in {m.value for m in Metric}:
        raise Http404("No such metric.")
    question, problem = _question(request)
    measure = report(question).measures[Metric(metric)]
    value, unit = spoken(Metric(metric), measure.value)
    ids = [row_id(each) for each in measure.used[:ROWS]]
    if Metric(metric) == Metric.CHANGE_LEAD_TIME:
        listed: Any = Commit.objects.filter(pk__in=ids).select_related("service").order_by("-authored_at")
    else:
        listed = (
            Deployment.objects.filter(pk__in=ids)
            .select_related("service", "environment", "release")
            .order_by("-finished_at")
        )
    context = {
        "section": "metrics",
        "title": measure.definition.title,
        "crumbs": [
            ("Metrics", f"/o/{request.organization.slug}/metrics/?{_asked(question)}"),
            (measure.definition.title, ""),
        ],
        "measure": measure,
        "definition": DEFINITIONS[Metric(metric)],
        "value": value,
        "unit": unit,
        "question": question,
        "problem": problem,
        "rows": listed,
        "commits": Metric(metric) == Metric.CHANGE_LEAD_TIME,
        "total": len(measure.used),
        "shown": min(ROWS, len(measure.used)),
        "percentiles": [(p, spoken(Metric(metric), v)) for p, v in sorted(measure.percentiles.items())],
    }
    return page(request, "metrics/rows.html", context, status=422 if problem else 200)
