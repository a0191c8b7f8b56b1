"""The recurrence strip: one mark per incident over time, deployments of fixes, the observation shaded."""

from __future__ import annotations

from datetime import datetime, timedelta

from problems.models import Incident, ObservationWindow, Problem
from releasetrain.interface.charts import Chart, Marker, Span, timeline_chart

_TONES = {
    ObservationWindow.State.RUNNING: "warn",
    ObservationWindow.State.PASSED: "ok",
    ObservationWindow.State.BREACHED: "bad",
    ObservationWindow.State.VOID: "idle",
}
# An incident without an end, or a short one, is still a mark that can be seen.
_LEAST = timedelta(hours=1)


def recurrence_strip(
    problem: Problem, incidents: list[Incident], windows: list[ObservationWindow], at: datetime
) -> Chart:
    """Incidents in one row, observations in another, the fixes' deployments as lines."""
    spans = [
        Span(
            "Incidents",
            i.began_at,
            max(i.resolved_at or i.mitigated_at or i.began_at, i.began_at + _LEAST),
            "bad" if i.severity <= 2 else "warn",
        )
        for i in incidents
    ]
    spans += [
        Span(
            "Observation",
            w.starts,
            min(w.settled_at or w.ends, w.ends),
            _TONES[ObservationWindow.State(w.state)],
            w.get_state_display().split(":")[0],
        )
        for w in windows
    ]
    markers = [Marker(f"Fix {w.deployment.version}".strip(), w.starts) for w in windows]
    return timeline_chart(f"Recurrence of {problem.key}", spans, now=at, markers=markers)
