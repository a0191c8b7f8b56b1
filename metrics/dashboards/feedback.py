"""Production feedback: signals of monitoring and support, and what they do to the backlog's priority."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from metrics.asking import Question
from metrics.queries import feedback as queries
from metrics.queries.feedback import SignalLine
from metrics.rules.periods import slots
from metrics.rules.samples import wording
from planning.models import ReportSource
from releasetrain.interface.charts import line_chart
from releasetrain.kernel.clock import now

from . import cells
from .answer import Answer, Definition, Figure, Gap, Link, Table
from .registry import dashboard

DEFINITIONS = (
    Definition(
        "signals",
        "Signals",
        "Alerts, support tickets and users' reports counted in the period.",
        "sum of counts",
    ),
    Definition(
        "answered",
        "Answered by the backlog",
        "Signals of kinds that a backlog item answers. They raise the item's exposure and risk reduction by themselves;"
        " only a person lets them fall.",
        "signals with a backlog item ÷ signals",
    ),
    Definition(
        "risen",
        "Items under pressure",
        "Open backlog items that answer signals of the last year: exposure is how often (by the last four weeks or the year,"
        " whichever is worse) times how bad the worst was.",
        "count of items",
    ),
)


@dashboard(
    "feedback",
    title="Feedback",
    about="What monitoring and support report, and how it counts into the backlog's priority.",
    definitions=DEFINITIONS,
    order=200,
)
def feedback(question: Question) -> Answer:
    """Kinds of signals, what answers them, and the pressure that they put on backlog items."""
    period = question.period
    found = queries.signals_of(period.start, period.end, question.wanted)
    if not found:
        return Answer(empty="No signal of monitoring or support was counted in this period.")
    total = sum(line.times for line in found)
    open_ones = queries.unanswered(found)
    answered = total - sum(line.times for line in open_ones)
    features = {line.signal.feature.pk: line.signal.feature for line in found if line.signal.feature}
    pressures = queries.pressures(features, now())
    listed = sorted(pressures.items(), key=lambda p: (-p[1].exposure, -p[1].recent))
    return Answer(
        figures=[
            Figure("signals", "Signals", total, "", count=len(found), rows=lambda: _signals(found),
                   note=f"{len(found)} kinds", sample=wording(total, "signals")),
            Figure("answered", "Answered by the backlog", answered / total if total else None, "share", count=answered,
                   rows=lambda: _signals(open_ones, "Signals that nothing answers"),
                   note=f"{len(open_ones)} kinds are answered by nothing", sample=wording(total, "signals")),
            Figure("risen", "Items under pressure", len(listed), "items", count=len(listed),
                   rows=lambda: _items(listed, features), note=f"{sum(p.rising for _, p in listed)} rising"),
        ],
        charts=_charts(question),
        tables=[_items(listed, features), _signals(open_ones, "Signals that nothing answers")],
        quality=[Gap(f"{answered:,} of {total:,} signals belong to a backlog item.", answered / total if total else None)],
    )  # fmt: skip


def _charts(question: Question) -> list[Any]:
    period = question.period
    labels = dict(ReportSource.choices)
    found: Counter[tuple[Any, str]] = Counter()
    for at, source, times in queries.weekly(period.start, period.end, question.wanted):
        found[cells.bucket_of(at, question.bucket, question.zone), source] += times
    days = [slot.day for slot in slots(period, question.bucket, question.zone)]
    sources = sorted({source for _, source in found})
    if len(days) < 2 or not sources:
        return []
    return [
        line_chart(
            f"Signals per {question.bucket.value}",
            [cells.label_of(day, question.bucket) for day in days],
            {str(labels[s]): [float(found[day, s]) for day in days] for s in sources},
            unit="signals",
        )
    ]


def _items(listed: Sequence[tuple[Any, Any]], features: dict[Any, Any]) -> Table:
    rows = []
    for pk, pressure in listed[: cells.ROWS]:
        feature = features[pk]
        rows.append(
            (Link(f"{feature.key} {feature.title}", feature), pressure.recent, pressure.before, pressure.exposure,
             pressure.risk_reduction, feature.risk_reduction,
             None if feature.rank_score is None else f"{feature.rank_score:.2f}",
             "Frozen by its plan" if feature.score_frozen_at else
             "Not scored yet" if feature.rank_score is None else "Counted in")
        )  # fmt: skip
    columns = (
        "Item", "Last 4 weeks", "4 before", "Exposure", "Risk reduction by signals", "Risk reduction", "Score", "Priority",
    )  # fmt: skip
    return Table(
        "Backlog items under pressure", columns, rows, numbers=columns[1:7], total=len(listed),
        empty="No backlog item answers these signals: name one on the signal.",
    )  # fmt: skip


def _signals(found: Sequence[SignalLine], title: str = "Signals") -> Table:
    rows = [
        (Link(line.signal.title, line.signal), Link(line.signal.service.name, line.signal.service),
         line.signal.get_source_display(), line.times, line.worst, line.last,
         Link(line.signal.feature.key, line.signal.feature) if line.signal.feature else None)
        for line in found[: cells.ROWS]
    ]  # fmt: skip
    columns = ("Signal", "Service", "From", "Times", "Worst severity", "Last", "Answered by")
    return Table(title, columns, rows, numbers=("Times", "Worst severity"), total=len(found),
                 empty="Every kind of signal is answered by a backlog item.")  # fmt: skip
