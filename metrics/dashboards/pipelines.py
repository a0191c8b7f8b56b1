"""Pipelines: failure rate and duration by team, stage and cause, and how many failures are flaky."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Trunc

from metrics.asking import Option, Question
from metrics.models import StageRun
from metrics.queries import pipelines as queries
from metrics.queries.pipelines import Line
from metrics.rules import rates
from releasetrain.interface.charts import bar_chart, p_chart

from . import cells
from .answer import Answer, Definition, Figure, Gap, Link, Table
from .registry import dashboard

GROUPS = (
    ("stage", "Stage"),
    ("team", "Source team"),
    ("application", "Application"),
    ("pipeline", "Pipeline"),
)
BY = Option("by", "Grouped by", GROUPS, "stage")
_RUNS = "Attempts of pipeline stages that ended in the period; cancelled ones are left out."
DEFINITIONS = (
    Definition("failure_rate", "Failure rate", _RUNS, "failed ÷ attempts, with Wilson's 95 % interval"),
    Definition("duration", "Duration of a stage", _RUNS, "median of finished − started"),
    Definition(
        "flaky_share",
        "Flaky failures",
        f"{_RUNS} A failure is flaky if the same stage also passed for the same commit in the period: nothing had changed"
        " but luck.",
        "flaky failures ÷ failures",
    ),
    Definition("runs", "Attempts", _RUNS, "count"),
)


@dashboard(
    "pipelines",
    title="Pipelines",
    about="How often pipeline stages fail and why, how long they take, and which failures are luck.",
    definitions=DEFINITIONS,
    order=190,
    options=(BY,),
)
def pipelines(question: Question) -> Answer:
    """Runs by stage, team, application or pipeline, and failures by cause."""
    rows = queries.runs_of(question.period, question.wanted)
    whole = next(iter(queries.lines(rows)), None)
    if whole is None or not whole.runs:
        return Answer(empty="No pipeline reported a stage run that ended in this period.")
    by = question.options["by"]
    groups = [line for line in queries.lines(rows, by) if line.runs]
    causes = queries.causes(rows)
    failed, silent, runs, anonymous = queries.without_cause(rows)
    failure = rates.share(whole.failed, whole.runs, "attempts")
    flaky = rates.share(whole.flaky, whole.failed, "failures")
    label = dict(GROUPS)[by]
    return Answer(
        figures=[
            Figure(
                "failure_rate", "Failure rate", failure.value, "share", count=whole.failed,
                rows=lambda: _runs(queries.failures(rows)), note=f"{whole.failed:,} of {whole.runs:,} attempts",
                sample=failure.sample, interval=failure.interval,
            ),
            Figure(
                "duration", "Duration of a stage", whole.median, "seconds", count=whole.runs,
                rows=lambda: _runs(_newest(rows)), note=f"90 % within {cells.hours((whole.ninety or 0) / 3600)}",
                sample=failure.sample,
            ),
            Figure(
                "flaky_share", "Flaky failures", flaky.value, "share", count=whole.flaky,
                rows=lambda: _runs(queries.failures(rows).exclude(commit="")),
                note=f"{whole.flaky:,} of {whole.failed:,} failures", sample=flaky.sample, interval=flaky.interval,
                quality="Attempts without a commit cannot be told to be flaky." if anonymous else "",
            ),
            Figure("runs", "Attempts", whole.runs, "", count=whole.runs, rows=lambda: _runs(_newest(rows)),
                   note=f"{whole.cancelled:,} cancelled"),
        ],
        charts=_charts(rows, causes, question),
        tables=[_groups(groups, label), _causes(causes, failed)],
        quality=[
            Gap(f"{failed - silent:,} of {failed:,} failures say why.", 1 - silent / failed if failed else None),
            Gap(f"{runs - anonymous:,} of {runs:,} attempts name their commit.", 1 - anonymous / runs if runs else None),
        ],
        notes=["The gate check “pipeline-health” and the readiness question of a release use the same figures."],
    )  # fmt: skip


def _newest(rows: QuerySet[StageRun]) -> QuerySet[StageRun]:
    return (
        rows.exclude(outcome=StageRun.Outcome.CANCELLED)
        .select_related("service", "team")
        .order_by("-finished_at")
    )


def _charts(
    rows: QuerySet[StageRun], causes: Sequence[tuple[str, str, int, Any]], question: Question
) -> list[Any]:
    charts: list[Any] = []
    if causes:
        charts.append(
            bar_chart("Failures by cause", [(title, count) for _, title, count, _ in causes], unit="failures")
        )
    trunc = {"day": "day", "week": "week", "month": "month"}[question.bucket.value]
    points = _by_time(rows, trunc, question)
    if len(points) > 1:
        charts.insert(0, p_chart(f"Failure rate per {trunc}", points))
    return charts


def _by_time(rows: QuerySet[StageRun], unit: str, question: Question) -> list[tuple[str, int, int]]:
    counted = (
        rows.exclude(outcome=StageRun.Outcome.CANCELLED)
        .annotate(at=Trunc("finished_at", unit, tzinfo=ZoneInfo(question.zone)))
        .values("at")
        .annotate(runs=Count("pk"), failed=Count("pk", filter=Q(outcome="failed")))
        .order_by("at")
    )
    return [(cells.label_of(r["at"].date(), question.bucket), r["failed"], r["runs"]) for r in counted]


def _groups(groups: Sequence[Line], label: str) -> Table:
    rows = []
    for g in groups[: cells.ROWS]:
        failure = rates.share(g.failed, g.runs, "attempts")
        rows.append(
            (g.group, g.runs, g.failed, cells.share(failure.value), cells.shares(failure.interval), g.flaky,
             cells.share(g.flaky / g.failed if g.failed else None),
             cells.hours(g.median / 3600) if g.median is not None else None,
             cells.hours(g.ninety / 3600) if g.ninety is not None else None, failure.sample)
        )  # fmt: skip
    columns = (
        label, "Attempts", "Failed", "Failure rate", "95 % interval", "Flaky", "Of failures", "Median", "90 %", "Sample",
    )  # fmt: skip
    return Table(
        f"By {label.lower()}", columns, rows, numbers=(*columns[1:4], *columns[5:9]), total=len(groups)
    )


def _causes(causes: Sequence[tuple[str, str, int, Any]], failed: int) -> Table:
    rows = [
        (title, count, cells.share(count / failed if failed else None), ", ".join(stages[:6]))
        for _, title, count, stages in causes
    ]
    return Table("By cause", ("Cause", "Failures", "Share", "Stages"), rows, numbers=("Failures", "Share"),
                 empty="Nothing failed.")  # fmt: skip


def _runs(rows: QuerySet[StageRun]) -> Table:
    found = [
        (Link(str(r), r), r.service.name, r.team.name if r.team else None, r.get_outcome_display(),
         r.get_cause_display() if r.cause else None, r.commit[:10] or None, r.attempt,
         cells.hours((r.finished_at - r.started_at).total_seconds() / 3600), r.finished_at)
        for r in rows[: cells.ROWS]
    ]  # fmt: skip
    columns = ("Run", "Service", "Team", "Outcome", "Cause", "Commit", "Attempt", "Took", "Finished")
    return Table("Stage runs", columns, found, numbers=("Attempt", "Took"), total=rows.count())
