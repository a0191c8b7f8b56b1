"""Delivery performance: the five metrics of a period, their charts and how complete the data behind them are."""

from __future__ import annotations

from typing import Any

from metrics.asking import Option, Question
from metrics.charts import charts_of, group_map
from metrics.queries.quality import DataQuality, data_quality
from metrics.report import PURPOSE, from_rows, report
from metrics.rules import definitions
from metrics.rules.definitions import DEFINITIONS, Metric
from metrics.rules.dora import LeadStart
from metrics.rules.rollup import Summary
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
    options=(LEAD_START, PURPOSE, REPORT_YEAR),
)
def delivery(question: Question) -> Answer:
    """The five delivery metrics."""
    found = report(question, by=_grouped_by(question))
    quality = data_quality(found.cells, question.period, question.wanted)
    figures = [_figure(metric, summary, question, quality) for metric, summary in found.measures.items()]
    if not found.total:
        return Answer(
            figures, quality=gaps_of(quality), empty="No production deployment finished in this period."
        )
    grouped = group_map(found)
    return Answer(figures, [*charts_of(found), *([grouped] if grouped else [])], quality=gaps_of(quality))


def _grouped_by(question: Question) -> str:
    w = question.wanted
    if w.service or w.team or w.train:
        return "service"
    return "train" if Train.objects.filter(archived_at__isnull=True).count() > 1 else "service"


def gaps_of(quality: DataQuality) -> list[Gap]:
    """What the data behind the delivery metrics lack."""
    active = quality.services - quality.silent_services
    found = [
        Gap(
            f"{active:,} of {quality.services:,} services deployed in the period.",
            active / quality.services if quality.services else None,
        )
    ]
    if quality.covered is not None:
        known = quality.deployments - quality.without_commits
        found.insert(
            0,
            Gap(
                f"{known:,} of {quality.deployments:,} deployments, rollbacks aside, carry their commits.",
                quality.covered,
            ),
        )
    if quality.incidents:
        explained = quality.incidents - quality.without_cause
        found.append(
            Gap(
                f"{explained:,} of {quality.incidents:,} incidents have a known cause.",
                explained / quality.incidents,
            )
        )
    return found


def quality_beside(metric: Metric, quality: DataQuality) -> str:
    """What the data behind one figure lack; empty when they are nearly complete."""
    if metric is Metric.CHANGE_LEAD_TIME and quality.covered is not None and quality.covered < 0.95:
        return f"{quality.without_commits:,} deployments without commits."
    if (
        metric in (Metric.CHANGE_FAIL_RATE, Metric.RECOVERY_TIME, Metric.REWORK_RATE)
        and quality.without_cause
    ):
        return f"{quality.without_cause:,} incidents without a cause may belong here."
    if metric is Metric.DEPLOYMENT_FREQUENCY and quality.silent_services:
        return f"{quality.silent_services} services without deployments."
    return ""


def _figure(metric: Metric, summary: Summary, question: Question, quality: DataQuality) -> Figure:
    answer = tier(metric, summary.value, int(question.options.get("year", LATEST)))
    return Figure(
        metric.value,
        summary.definition.title,
        summary.value,
        summary.unit,
        count=summary.count,
        rows=lambda: rows_behind(metric, question),
        note=", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in summary.counts.items()),
        sample=summary.sample,
        quality=quality_beside(metric, quality),
        interval=summary.interval,
        percentiles=summary.percentiles,
        excluded=[Exclusion(e.reason, e.sentence, e.count) for e in summary.excluded],
        band=f"{answer.tier}, {answer.year} report" if answer.tier else "",
    )


def rows_behind(metric: Metric, question: Question) -> Table:
    """The rows that one number was computed from, newest first."""
    used = from_rows(question)[metric].used
    if metric is Metric.CHANGE_LEAD_TIME:
        return commit_table([row_id(each) for each in used], len(used))
    return deployment_table([row_id(each) for each in used], len(used))


def deployment_table(ids: Any, total: int) -> Table:
    """Deployments as rows."""
    found = (
        Deployment.objects.filter(pk__in=ids)
        .select_related("service", "environment", "release__train")
        .order_by("-finished_at", "-id")[:ROWS]
    )
    rows = [
        (Link(str(d), d), d.get_state_display(), d.finished_at, Link(d.release.version, d.release) if d.release else None)
        for d in found
    ]  # fmt: skip
    return Table("Deployments", ("Deployment", "State", "Finished", "Release"), rows, total=total)


def commit_table(ids: Any, total: int) -> Table:
    """Commits as rows."""
    found = Commit.objects.filter(pk__in=ids).select_related("service").order_by("-authored_at", "-id")[:ROWS]
    rows = [(Link(str(c), c), Link(c.service.name, c.service), c.authored_at, c.merged_at) for c in found]
    return Table("Changes", ("Change", "Service", "Committed", "Merged"), rows, total=total)
