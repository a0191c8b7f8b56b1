"""Delivery performance: the five metrics of a period, their charts and how complete the data behind them are."""

from __future__ import annotations

from typing import Any

from metrics.asking import Option, Question
from metrics.charts import charts_of, group_map
from metrics.queries.quality import DataQuality, data_quality
from metrics.report import report
from metrics.rules import definitions
from metrics.rules.definitions import DEFINITIONS, Metric
from metrics.rules.dora import LeadStart, Measure
from metrics.rules.tiers import WITHOUT_TIERS, YEARS, tier
from releasetrain.tenancy.models import row_id
from trains.models import Commit, Deployment, Train

from .answer import Answer, Definition, Exclusion, Figure, Gap, Link, Table
from .registry import dashboard

ROWS = 200
LATEST = max(YEARS)
REPORT_YEAR = Option(
    "year",
    "Tiers of",
    tuple((str(year), f"{year} report") for year in sorted({*YEARS, *WITHOUT_TIERS}, reverse=True)),
    str(LATEST),
    help="DORA publishes its clusters by report year; they are not comparable across years.",
)
LEAD_START = Option(
    "start",
    "Lead time from",
    tuple((each.value, each.value.capitalize()) for each in LeadStart),
    LeadStart.COMMITTED.value,
)


def published(definition: definitions.Definition) -> Definition:
    """A metric's definition in the words of the registry."""
    return Definition(
        definition.metric.value, definition.title, definition.text, definition.formula, definition.version
    )


@dashboard(
    "delivery",
    title="Delivery",
    about="How often changes reach production, how long they take, and how often they fail there.",
    definitions=[published(each) for each in DEFINITIONS.values()],
    order=10,
    options=(LEAD_START, REPORT_YEAR),
)
def delivery(question: Question) -> Answer:
    """The five delivery metrics."""
    found = report(question, by=_grouped_by(question))
    quality = data_quality(question.period, question.wanted)
    if not found.rows.log.rows:
        return Answer(
            figures=[_figure(m, measure, question, quality) for m, measure in found.measures.items()],
            quality=gaps_of(quality),
            empty="No production deployment finished in this period.",
        )
    charts = charts_of(found)
    grouped = group_map(found)
    return Answer(
        figures=[_figure(m, measure, question, quality) for m, measure in found.measures.items()],
        charts=[*charts, *([grouped] if grouped else [])],
        quality=gaps_of(quality),
    )


def _grouped_by(question: Question) -> str:
    w = question.wanted
    if w.service or w.team or w.train:
        return "service"
    return "train" if Train.objects.filter(archived_at__isnull=True).count() > 1 else "service"


def gaps_of(quality: DataQuality) -> list[Gap]:
    """What the data behind the delivery metrics lack."""
    if quality.covered is None:
        known = Gap("No deployments whose commits could be known.", None)
    else:
        known = Gap(
            f"{quality.deployments - quality.without_commits:,} of {quality.deployments:,} deployments carry their "
            "commits.",
            quality.covered,
        )
    active = quality.services - quality.silent_services
    return [
        known,
        Gap(
            f"{quality.silent_services} of {quality.services} services deployed nothing in the period.",
            active / quality.services if quality.services else None,
        ),
    ]


def _figure(metric: Metric, measure: Measure, question: Question, quality: DataQuality) -> Figure:
    answer = tier(metric, measure.value, int(question.options.get("year", LATEST)))
    thin = quality.covered is not None and quality.covered < 0.95
    return Figure(
        metric.value,
        measure.definition.title,
        measure.value,
        measure.unit,
        count=len(measure.used),
        rows=lambda: rows_behind(metric, measure),
        note=", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in measure.counts.items()),
        sample=measure.sample,
        quality=gaps_of(quality)[0].sentence if thin and metric is Metric.CHANGE_LEAD_TIME else "",
        interval=measure.interval,
        percentiles=measure.percentiles,
        excluded=[Exclusion(e.reason, e.sentence, len(e.ids)) for e in measure.excluded],
        band=f"{answer.tier}, {answer.year} report" if answer.tier else "",
    )


def rows_behind(metric: Metric, measure: Measure) -> Table:
    """The rows that one number was computed from, newest first."""
    ids = [row_id(each) for each in measure.used[:ROWS]]
    if metric is Metric.CHANGE_LEAD_TIME:
        return commit_table(ids, len(measure.used))
    return deployment_table(ids, len(measure.used))


def deployment_table(ids: Any, total: int) -> Table:
    """Deployments as rows."""
    found = (
        Deployment.objects.filter(pk__in=ids)
        .select_related("service", "environment", "release__train")
        .order_by("-finished_at")
    )
    rows = [
        (Link(str(d), d), d.get_state_display(), d.finished_at, Link(d.release.version, d.release) if d.release else None)
        for d in found
    ]  # fmt: skip
    return Table("Deployments", ("Deployment", "State", "Finished", "Release"), rows, total=total)


def commit_table(ids: Any, total: int) -> Table:
    """Commits as rows."""
    found = Commit.objects.filter(pk__in=ids).select_related("service").order_by("-authored_at")
    rows = [(Link(str(c), c), Link(c.service.name, c.service), c.authored_at, c.merged_at) for c in found]
    return Table("Changes", ("Change", "Service", "Committed", "Merged"), rows, total=total)
