"""The charts of a report: drawn on the server, the same picture on page and in print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metrics.points import BASELINE, LEAST, MEASURES, Measured, Point, known, label_of, points_of
from metrics.report import Report
from releasetrain.interface.charts import Chart, control_chart, heat_map, p_chart, u_chart

SHOWN = ("deployments", "lead_time", "fail_rate", "recovery")


def charts_of(found: Report) -> list[Chart]:
    """Frequency and times as individuals charts, failures as a p chart."""
    drawn = [(MEASURES[name], points_of(found, name)) for name in SHOWN]
    return [
        process_chart(measured, points, found.question.bucket.value)
        for measured, points in drawn
        if known(points)
    ]


def process_chart(measured: Measured, points: Sequence[Point], bucket: str, **how: Any) -> Chart:
    """The control chart of a measure: XmR, p or u. `how` may name changes, events, standard and rules."""
    title = f"{measured.title} per {bucket}"
    shown = known(points)
    asked = {"baseline": BASELINE, "least": LEAST, **how}
    if measured.kind == "p":
        return p_chart(title, [(p.label, p.count, p.total) for p in shown], **asked)
    if measured.kind == "u":
        return u_chart(title, [(p.label, p.count, p.total) for p in shown], unit=measured.unit, **asked)
    return control_chart(title, [(p.label, p.value or 0.0) for p in shown], unit=measured.unit, **asked)


def group_map(found: Report, most: int = 14) -> Chart | None:
    """Deployments per group and bucket, the busiest groups first."""
    groups, buckets, deployments = found.deployments_by_group()
    if not groups:
        return None
    totals = deployments.sum(axis=1)
    order = sorted(range(len(groups)), key=lambda at: (-int(totals[at]), groups[at]))[:most]
    columns = [label_of(slot.day, found.question.bucket.value) for slot in buckets]
    values = [[float(v) if v else None for v in deployments[at].tolist()] for at in order]
    return heat_map(
        "Deployments by group", [groups[at] or "none" for at in order], columns, values, width=1120
    )
