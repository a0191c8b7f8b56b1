"""The charts of a report: drawn on the server, the same picture on page and in print."""

from __future__ import annotations

import math
from typing import Any

from metrics.report import Report
from metrics.rules.periods import Slot
from releasetrain.interface.charts import Chart, control_chart, heat_map, p_chart

# Limits need some history before they mean anything; the first so many buckets are the stated baseline.
BASELINE, LEAST = 20, 8
HOUR = 3600


def _label(slot: Slot, bucket: str) -> str:
    return f"{slot.day:%b %Y}" if bucket == "month" else f"{slot.day:%d %b}"


def _column(values: Any) -> list[float]:
    """Totals over the groups per bucket."""
    return [float(v) for v in values.sum(axis=0)]


def _median_over(values: Any, weights: Any) -> list[float | None]:
    """Per bucket, the mean of the groups' medians, weighted by how many rows each has."""
    found: list[float | None] = []
    for column in range(values.shape[1]):
        pairs = [
            (float(v), float(w))
            for v, w in zip(values[:, column], weights[:, column], strict=True)
            if w and not math.isnan(v)
        ]
        total = sum(w for _, w in pairs)
        found.append(sum(v * w for v, w in pairs) / total if total else None)
    return found


def charts_of(found: Report) -> list[Chart]:
    """Frequency and lead time as individuals charts, failures as a p chart, and the grid of groups."""
    grid, bucket = found.grid, found.question.bucket.value
    complete = [at for at, slot in enumerate(grid.slots) if slot.complete]
    labels = [_label(grid.slots[at], bucket) for at in complete]
    deployments, failed = _column(grid.deployments), _column(grid.failed)
    charts = [
        control_chart(
            f"Deployments per {bucket}",
            [(labels[n], deployments[at]) for n, at in enumerate(complete)],
            unit="deployments",
            baseline=BASELINE,
            least=LEAST,
        )
    ]
    lead = _median_over(grid.lead_seconds, grid.changes)
    points = [(labels[n], lead[at] / HOUR) for n, at in enumerate(complete) if lead[at] is not None]  # type: ignore[operator]
    if points:
        charts.append(
            control_chart(
                f"Median lead time per {bucket}", points, unit="hours", baseline=BASELINE, least=LEAST
            )
        )
    shares = [
        (labels[n], int(failed[at]), int(deployments[at])) for n, at in enumerate(complete) if deployments[at]
    ]
    if shares:
        charts.append(p_chart(f"Change fail rate per {bucket}", shares, baseline=BASELINE, least=LEAST))
    recovery = _median_over(grid.recovery_seconds, grid.recovered)
    times = [(labels[n], recovery[at] / HOUR) for n, at in enumerate(complete) if recovery[at] is not None]  # type: ignore[operator]
    if times:
        charts.append(
            control_chart(
                f"Median recovery time per {bucket}", times, unit="hours", baseline=BASELINE, least=LEAST
            )
        )
    return charts


def group_map(found: Report, most: int = 14) -> Chart | None:
    """Deployments per group and bucket, the busiest groups first."""
    grid = found.grid
    if not grid.groups:
        return None
    totals = grid.deployments.sum(axis=1)
    order = sorted(range(len(grid.groups)), key=lambda at: -int(totals[at]))[:most]
    columns = [_label(slot, found.question.bucket.value) for slot in grid.slots]
    values = [[float(v) if v else None for v in grid.deployments[at]] for at in order]
    return heat_map(
        "Deployments by group", [grid.groups[at] or "none" for at in order], columns, values, width=1120
    )
