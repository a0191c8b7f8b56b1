"""Throughput from before: what teams finished in weeks in which their features were not kept here yet."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from planning.models import ThroughputWeek
from planning.queries.increments import today_of
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import refuse
from trains.models import Team


@action(
    "throughput_week.record",
    creates=ThroughputWeek,
    requires="planning.plan",
    within="team",
    label="Record a past week",
)
def record_week(
    actor: Actor,
    *,
    team: Annotated[Team, Field("Team")],
    week: Annotated[date, Field("Week", "Any day of it.")],
    features: Annotated[int, Field("Features finished", min=0, max=999)],
    points: Annotated[int, Field("Their points", min=0, max=99_999)] = 0,
    source: Annotated[str, Field("Where this is known from", max_length=80)] = "counted by hand",
) -> ThroughputWeek:
    """Record what a team finished in a past week. It counts in forecasts until features finish here; again replaces it."""
    monday = week - timedelta(days=week.weekday())
    if monday + timedelta(days=7) > today_of(team.train):
        refuse(
            "week.running",
            "This week is not over.",
            remedy="Record weeks that have ended.",
            field="week",
            status=422,
        )
    if not source.strip():
        refuse("week.source", "Say where this is known from.", field="source", status=422)
    row = ThroughputWeek.objects.filter(team=team, week=monday).first() or ThroughputWeek(
        team=team, week=monday
    )
    row.features, row.points, row.source = features, points, source.strip()
    row.save()
    return row
