"""Recurrence: whether fixes held, per team, category and month, and incidents that had been seen before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metrics.asking import Option, Question
from metrics.queries import recurrence as queries
from metrics.rules import rates
from metrics.rules import recurrence as rules
from metrics.rules.periods import Bucket
from metrics.rules.recurrence import BREACHED, PASSED, Fix, Held
from problems.models import Incident
from problems.queries.fixes import CarriedFix
from releasetrain.interface.charts import p_chart

from . import cells
from .answer import Answer, Definition, Exclusion, Figure, Gap, Link, Table
from .delivery import deployment_table
from .registry import dashboard

DEFINITIONS = (
    Definition(
        "recurrence_rate",
        "Fixes that came back",
        "Fixes of problems that went live in the period and whose observation has ended. One came back if matching incidents"
        " breached its window. Fixes that were rolled back or are still observed are named and not counted.",
        "came back ÷ (came back + held), with Wilson's 95 % interval",
    ),
    Definition(
        "days_to_recurrence",
        "Days until it came back",
        "Of the fixes that came back: from going live to the detection of the incident that breached the window.",
        "median of detected − live",
    ),
    Definition(
        "fix_fail_rate",
        "Change fail rate of fixes",
        "Production deployments of releases that fix problems. One failed if it failed, was rolled back, or caused an incident."
        " The analysis of failed fixes, beside the problems, looks into why.",
        "failed ÷ deployments of fixes, with Wilson's 95 % interval",
    ),
    Definition(
        "repeated_incidents",
        "Repeated incidents",
        "Incidents of the period with a fingerprint that the same service had shown in the 90 days before.",
        "repeated ÷ incidents with a fingerprint",
    ),
)
BY = Option("by", "Grouped by", (("team", "Team"), ("category", "Category of cause")), "team")


@dashboard(
    "recurrence",
    title="Recurrence",
    about="Whether what was fixed stays fixed.",
    definitions=DEFINITIONS,
    order=180,
    options=(BY,),
    days=365,
    bucketed=False,
)
def recurrence(question: Question) -> Answer:
    """The share of fixes that came back, and where."""
    fixes = queries.fixes(question.period, question.wanted)
    repeated, printed = queries.repeats(question.period, question.wanted)
    carried = queries.fix_deployments(question.period, question.wanted)
    if not fixes and not printed and not carried:
        return Answer(empty="No fix went live in this period, and no incident has a fingerprint.")
    found = rules.recurrence(fixes)
    total = found.total
    left_out = [
        Exclusion("rolled_back", "The fix was rolled back.", total.rolled_back),
        Exclusion("observed", "It is still observed.", total.observed),
    ]
    share = rates.share(len(repeated), printed, "incidents")
    by = question.options["by"]
    groups = rules.by(fixes, lambda f: f.team if by == "team" else f.category)
    judged = [f for f in fixes if f.outcome in (PASSED, BREACHED)]
    came_back = [f.id for f in fixes if f.outcome == BREACHED]
    return Answer(
        figures=[
            Figure(
                "recurrence_rate", "Fixes that came back", total.share.value, "share", count=total.judged,
                rows=lambda: _fixes([f.id for f in judged]), note=f"{total.back} of {total.judged} fixes",
                sample=total.share.sample, interval=total.share.interval, excluded=[e for e in left_out if e.count],
            ),
            Figure(
                "days_to_recurrence", "Days until it came back",
                found.days[50] * 86_400 if found.days else None, "seconds", count=len(came_back),
                rows=lambda: _fixes(came_back), note="median", sample=found.sample,
                percentiles={p: d * 86_400 for p, d in found.days.items()},
            ),
            _fail_rate(carried),
            Figure(
                "repeated_incidents", "Repeated incidents", share.value, "share", count=len(repeated),
                rows=lambda: _incidents(repeated), note=f"{share.hits} of {share.trials} incidents", sample=share.sample,
                interval=share.interval,
            ),
        ],
        charts=_charts(judged, question),
        tables=[_groups(groups, dict(BY.offered())[by])],
        quality=[Gap(f"{printed} incidents of the period have a fingerprint to be recognised by.")],
    )  # fmt: skip


def _fail_rate(carried: Sequence[CarriedFix]) -> Figure:
    failed = [f.id for f in carried if f.failed]
    share = rates.share(len(failed), len(carried), "deployments of fixes")
    return Figure(
        "fix_fail_rate", "Change fail rate of fixes", share.value, "share", count=len(failed),
        rows=lambda: deployment_table([f.id for f in carried][-cells.ROWS :], len(carried)),
        note=f"{share.hits} of {share.trials} deployments", sample=share.sample, interval=share.interval,
    )  # fmt: skip


def _charts(judged: Sequence[Fix], question: Question) -> list[Any]:
    months: dict[Any, list[Fix]] = {}
    for each in judged:
        months.setdefault(cells.bucket_of(each.live_at, Bucket.MONTH, question.zone), []).append(each)
    if len(months) < 2:
        return []
    points = [
        (cells.label_of(m, Bucket.MONTH), sum(f.outcome == BREACHED for f in rows), len(rows))
        for m, rows in sorted(months.items())
    ]
    return [p_chart("Fixes that came back by month they went live", points)]


def _groups(groups: Sequence[Held], label: str) -> Table:
    rows = [
        (g.group, g.judged, g.back, cells.share(g.share.value), cells.shares(g.share.interval), g.rolled_back or None,
         g.observed or None, g.share.sample)
        for g in groups
    ]  # fmt: skip
    columns = (
        label,
        "Fixes judged",
        "Came back",
        "Share",
        "95 % interval",
        "Rolled back",
        "Still observed",
        "Sample",
    )
    return Table(f"By {label.lower()}", columns, rows, numbers=(*columns[1:4], *columns[5:7]))


def _fixes(ids: Sequence[Any]) -> Table:
    rows = [
        (Link(str(w.problem), w.problem), Link(str(w.deployment), w.deployment), w.get_state_display(), w.starts,
         Link(str(w.breached_by), w.breached_by) if w.breached_by else None)
        for w in queries.windows(ids[: cells.ROWS])
    ]  # fmt: skip
    return Table(
        "Fixes", ("Problem", "Deployment", "Observation", "Live", "Came back as"), rows, total=len(ids)
    )


def _incidents(ids: Sequence[Any]) -> Table:
    found = Incident.objects.filter(pk__in=ids[-cells.ROWS :]).order_by("-detected_at")
    rows = [(Link(str(i), i), i.fingerprint, i.detected_at) for i in found]
    return Table("Repeated incidents", ("Incident", "Fingerprint", "Detected"), rows, total=len(ids))
