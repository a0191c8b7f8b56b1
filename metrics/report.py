"""A delivery performance report: the five metrics of a period with their grid, put together from roll-ups.

`from_rows` computes the same from the rows themselves, for whoever opens a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from metrics.asking import Option, Question, question_from
from metrics.queries.dora import rows_of
from metrics.queries.rollup import groups_of, rolled
from metrics.rules.definitions import Metric
from metrics.rules.dora import Measure, Purpose, Scope, five_metrics
from metrics.rules.dora_grid import Grid
from metrics.rules.periods import Slots
from metrics.rules.rollup import Rolled, Summary, cells_in_grid, five_of, grid_of, needed, summed

__all__ = ["PURPOSE", "Question", "Report", "as_data", "from_rows", "question_from", "report"]

PURPOSES: dict[str, frozenset[Purpose]] = {
    "all": frozenset(),
    "planned": frozenset({Purpose.PLANNED}),
    "problem_fix": frozenset({Purpose.PROBLEM_FIX}),
    "emergency": frozenset({Purpose.EMERGENCY}),
    "unplanned": frozenset({Purpose.PROBLEM_FIX, Purpose.EMERGENCY, Purpose.ROLLBACK}),
    "rollback": frozenset({Purpose.ROLLBACK}),
}
PURPOSE = Option(
    "purpose",
    "Deployments",
    (
        ("all", "All"),
        ("planned", "Planned"),
        ("problem_fix", "Problem fixes"),
        ("emergency", "Emergencies"),
        ("rollback", "Rollbacks"),
        ("unplanned", "All but planned"),
    ),
    "all",
)


@dataclass(frozen=True)
class Report:
    """The answer, with the cells it was put together from. Its grids are computed when somebody draws them."""

    question: Question
    cells: Rolled
    measures: dict[Metric, Summary]
    by: str = "service"

    @cached_property
    def grid(self) -> Grid:
        """The five metrics of every group and bucket."""
        return self._grid(groups_of(self.cells.services, self.by))

    @cached_property
    def together(self) -> Grid:
        """The grid of everything that was asked for as one group."""
        return self._grid({})

    def deployments_by_group(self) -> tuple[tuple[str, ...], Slots, Any]:
        """Groups, buckets and how often each group deployed in each: what the grid says, without its times."""
        q = self.question
        groups = groups_of(self.cells.services, self.by)
        names, found, cell = cells_in_grid(self.cells, q.period, groups, bucket=q.bucket, zone=q.zone)
        counted = summed(self.cells, "deployments", cell, len(names), len(found), purposes_of(q))
        return names, found, counted

    def _grid(self, groups: Mapping[str, str]) -> Grid:
        q = self.question
        return grid_of(
            self.cells, q.period, groups, bucket=q.bucket, zone=q.zone, start=q.start, purposes=purposes_of(q)
        )

    @property
    def total(self) -> int:
        return int(self.cells.counts["deployments"].sum())


def purposes_of(question: Question) -> frozenset[Purpose]:
    return PURPOSES[question.options.get("purpose", "all")]


def report(question: Question, by: str = "service") -> Report:
    """Compute the five metrics; the grid is of services, or of what `by` names."""
    counts, times = needed(question.start)
    cells = rolled(
        question.wanted, question.first, question.last, question.zone, question.bucket, times, counts
    )
    measures = five_of(
        cells, question.period, start=question.start, zone=question.zone, bucket=question.bucket,
        purposes=purposes_of(question),
    )  # fmt: skip
    return Report(question, cells, measures, by)


def from_rows(question: Question) -> dict[Metric, Measure]:
    """The five metrics from the rows, with their ids."""
    rows = rows_of(question.period, question.wanted)
    return five_metrics(
        rows.log,
        rows.changes,
        rows.links,
        question.period,
        start=question.start,
        zone=question.zone,
        bucket=question.bucket,
        scope=Scope(purposes=purposes_of(question)),
    )


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
                "rows": m.count,
                "excluded": [
                    {"reason": e.reason, "sentence": e.sentence, "rows": e.count} for e in m.excluded
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
