"""Stability index: defects per thousand changed lines, and per feature."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from metrics.asking import Question
from metrics.queries import stability as queries
from metrics.queries.stability import Changed, Defect
from metrics.rules import rates
from metrics.rules.periods import Bucket, Period
from metrics.rules.rates import Rate
from metrics.rules.samples import wording
from problems.models import Incident, Problem
from releasetrain.interface.charts import control_chart, u_chart

from . import cells
from .answer import Answer, Definition, Figure, Gap, Link, Table
from .registry import dashboard

KNOWN_ENOUGH = 0.8
_DEFECT = (
    "A defect is an incident that a production deployment of the period caused or contributed to (accepted links), or a"
    " problem recorded in the period that no such incident belongs to."
)
DEFINITIONS = (
    Definition(
        "per_thousand_lines",
        "Defects per thousand lines",
        f"{_DEFECT} Lines are those added and removed by commits whose first production deployment lies in the period.",
        "defects ÷ changed lines × 1000, with the exact 95 % interval of a count",
    ),
    Definition(
        "per_feature",
        "Defects per feature",
        f"{_DEFECT} Features are the items of releases that went live in the period, fixes of problems left out.",
        "defects ÷ delivered features, with the exact 95 % interval of a count",
    ),
    Definition("defects", "Defects", _DEFECT, "count"),
)


@dashboard(
    "stability",
    title="Stability",
    about="How many defects reach production for what is changed there.",
    definitions=DEFINITIONS,
    order=150,
    days=365,
    bucketed=False,
)
def stability(question: Question) -> Answer:
    """The index, its trend by month, and services against each other."""
    period = question.period
    earlier = Period(period.start - (period.end - period.start), period.start)
    found, before = queries.defects(period, question.wanted), queries.defect_count(earlier, question.wanted)
    changes = queries.changed(question.first, question.last, question.wanted, question.zone)
    length = question.last - question.first + timedelta(days=1)
    lines_before = queries.lines_of(
        question.first - length, question.first - timedelta(days=1), question.wanted, question.zone
    )
    items = queries.features(period, question.wanted)
    delivered, delivered_before = items.count(), queries.features(earlier, question.wanted).count()
    commits = sum(c.commits for c in changes)
    sized = 1 - sum(c.unsized for c in changes) / commits if commits else None
    lines = rates.rate(len(found), _lines(changes), per=1000, what="defects")
    if sized is None or sized < KNOWN_ENOUGH:
        # Lines of few commits would make the index look worse than it is.
        lines = Rate(len(found), 0, 1000, None, None, "Too few commits say how many lines they change.")
    features = rates.rate(len(found), delivered, what="defects")
    if not found and not commits and not delivered:
        return Answer(empty="Nothing reached production in this period, and no defect was found.")
    trend_lines = rates.compare(lines, rates.rate(before, lines_before, per=1000))
    trend_features = rates.compare(features, rates.rate(before, delivered_before))
    gaps = [
        Gap(
            f"{commits - sum(c.unsized for c in changes):,} of {commits:,} commits say how many lines they change."
            if commits
            else "No commits are known that reached production in the period.",
            sized,
        )
    ]
    return Answer(
        figures=[
            Figure(
                "per_thousand_lines", "Defects per thousand lines", lines.value, "", count=len(found),
                rows=lambda: defect_table(found), note=trend_lines.sentence, sample=lines.sample, interval=lines.interval,
                quality=gaps[0].sentence if gaps[0].poor else "",
            ),
            Figure(
                "per_feature", "Defects per feature", features.value, "", count=delivered, rows=lambda: _items(items),
                note=f"{delivered} features. {trend_features.sentence}", sample=features.sample or wording(delivered, "features"),
                interval=features.interval,
            ),
            Figure("defects", "Defects", len(found), "", count=len(found), rows=lambda: defect_table(found),
                   note=f"{before} in the period before"),
        ],
        charts=_charts(question, found, changes),
        tables=[_by_service(found, changes)],
        quality=gaps,
    )  # fmt: skip


def _lines(changes: Sequence[Changed]) -> int:
    return sum(c.lines for c in changes)


def _charts(question: Question, found: list[Defect], changes: list[Changed]) -> list[Any]:
    """Defects by month of the deployment behind them; with lines, per thousand of the month's lines."""
    months = Counter(cells.bucket_of(d.at, Bucket.MONTH, question.zone) for d in found)
    lines: Counter[Any] = Counter()
    for each in changes:
        lines[each.month] += each.lines
    listed = sorted(set(lines) | set(months))
    if len(listed) < 2:
        return []
    if all(lines[m] for m in listed):
        points = [(cells.label_of(m, Bucket.MONTH), months[m], lines[m] / 1000) for m in listed]
        return [u_chart("Defects per thousand lines by month", points, baseline=12)]
    counts = [(cells.label_of(m, Bucket.MONTH), float(months[m])) for m in listed]
    return [control_chart("Defects by month", counts, unit="defects", baseline=12)]


def _by_service(found: list[Defect], changes: list[Changed]) -> Table:
    defects = Counter(d.service for d in found)
    lines: Counter[str] = Counter()
    commits: Counter[str] = Counter()
    for each in changes:
        lines[each.service] += each.lines
        commits[each.service] += each.commits
    rows = []
    for service in sorted(defects | commits, key=lambda s: (-defects[s], s)):
        found_rate = rates.rate(defects[service], lines[service], per=1000, what="defects")
        rows.append(
            (service, defects[service], commits[service], lines[service] or None, cells.number(found_rate.value),
             cells.numbers(found_rate.interval), found_rate.sample)
        )  # fmt: skip
    return Table(
        "By service",
        ("Service", "Defects", "Commits", "Lines", "Per 1000 lines", "95 % interval", "Sample"),
        rows[: cells.ROWS],
        numbers=("Defects", "Commits", "Lines", "Per 1000 lines"),
        total=len(rows),
    )


def defect_table(found: Sequence[Defect]) -> Table:
    """Defects as rows, newest first."""
    shown = found[: cells.ROWS]
    objects: dict[Any, Any] = {}
    for kind, model in (("incident", Incident), ("problem", Problem)):
        ids = [d.id for d in shown if d.kind == kind]
        objects.update({str(each.pk): each for each in model.objects.filter(pk__in=ids)} if ids else {})
    rows = [(Link(d.label, objects[d.id]), d.kind.capitalize(), d.service, d.at) for d in shown]
    return Table("Defects", ("Defect", "Kind", "Service", "Deployed or found"), rows, total=len(found))


def _items(items: Any) -> Table:
    rows = [(str(i), Link(i.release.version, i.release), i.release.released_at) for i in items[: cells.ROWS]]
    return Table("Features", ("Feature", "Release", "Released"), rows, total=items.count())
