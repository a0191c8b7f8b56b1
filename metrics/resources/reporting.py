"""The faces of declared changes and scheduled reports."""

from __future__ import annotations

from metrics.models import DeclaredChange, ReportSchedule
from releasetrain.interface.resources import Resource, register

register(
    Resource(
        DeclaredChange,
        plural="declared-changes",
        section="metrics",
        icon="flag",
        columns=("title", "kind", "happened_on", "ended_on", "resets", "state", "train", "team", "service"),
        filters=("kind", "resets", "train"),
        search=("title", "expected"),
        order=("-happened_on", "-id"),
        computed=("state",),
        description="What happened and may show in the figures; where control charts begin new limits.",
    )
)
register(
    Resource(
        ReportSchedule,
        plural="report-schedules",
        section="metrics",
        icon="cal",
        columns=("name", "dashboard", "form", "every", "state", "sent_until", "told"),
        filters=("every", "form", "dashboard"),
        search=("name", "dashboard"),
        order=("name",),
        computed=("state",),
        requires="metrics.manage",
        description="Dashboards that are sent to members when a week, month, quarter or year is over.",
    )
)
