"""A delivery performance report: the five metrics of a period with their charts, for page, API and print alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from metrics.asking import Question, question_from
from metrics.queries.dora import Rows, rows_of
from metrics.rules.definitions import Metric
from metrics.rules.dora import Measure, five_metrics
from metrics.rules.dora_grid import Grid, dora_grid

__all__ = ["Question", "Report", "as_data", "question_from", "report"]


@dataclass(frozen=True)
class Report:
    """The answer, with the rows it was computed from."""

    question: Question
    rows: Rows
    measures: dict[Metric, Measure]
    grid: Grid


def report(question: Question, by: str = "service") -> Report:
    """Compute the five metrics and the grid of groups and buckets."""
    rows = rows_of(question.period, question.wanted)
    measures = five_metrics(
        rows.log,
        rows.changes,
        rows.links,
        question.period,
        start=question.start,
        zone=question.zone,
        bucket=question.bucket,
    )
    grid = dora_grid(
        rows.log, rows.changes, rows.links, question.period, by=by, bucket=question.bucket, zone=question.zone,
        start=question.start,
    )  # fmt: skip
    return Report(question, rows, measures, grid)


def as_data(found: Report) -> dict[str, Any]:
    """The report as JSON data: values, units, counts, what was left out and why."""
    question = found.question
    return {
        "period": {"from": question.first, "until": question.last, "zone": question.zone},
        "lead_time_start": question.start.value,
        "metrics": {
            metric.value: {
                "title": m.definition.title,
                "value": m.value,
                "unit": m.unit,
                "counts": dict(m.counts),
                "percentiles": {str(k): v for k, v in m.percentiles.items()},
                "interval": list(m.interval) if m.interval else None,
                "sample": m.sample,
                "rows": len(m.used),
                "excluded": [
                    {"reason": e.reason, "sentence": e.sentence, "rows": len(e.ids)} for e in m.excluded
                ],
                "definition": {
                    "version": m.definition.version,
                    "text": m.definition.text,
                    "formula": m.definition.formula,
                },
            }
            for metric, m in found.measures.items()
        },
    }
