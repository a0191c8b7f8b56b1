"""The faces of capacity and execution: people and absences, work items, throughput, troubles with dependencies."""

from __future__ import annotations

from planning.models import (
    Absence,
    CapacityProfile,
    DependencyTrouble,
    TeamPerson,
    ThroughputWeek,
    TrackerLink,
    WorkItem,
)
from releasetrain.interface import navigation
from releasetrain.interface.resources import Resource, register

navigation.register(navigation.Place("iteration", "Iteration", "play", "iteration/", 117, "Plan"))
navigation.register(navigation.Place("forecast", "Forecast", "chart", "forecast/", 118, "Plan"))

register(
    Resource(
        CapacityProfile,
        plural="capacity-profiles",
        section="board",
        columns=("team", "region", "load_factor", "use_history"),
        filters=("team",),
        order=("team__name",),
        description="Say how a team's days become points.",
    )
)
register(
    Resource(
        TeamPerson,
        plural="team-persons",
        section="board",
        icon="users",
        columns=("name", "team", "share", "first_day", "last_day"),
        filters=("team",),
        search=("name",),
        order=("team__name", "name"),
        description="Name who works in a team; until then its head count is taken.",
    )
)
register(
    Resource(
        Absence,
        plural="absences",
        section="board",
        columns=("person", "first_day", "last_day", "note", "cancelled_at"),
        filters=("person",),
        search=("person__name", "note"),
        order=("-first_day",),
    )
)
register(
    Resource(
        WorkItem,
        plural="work-items",
        section="board",
        icon="list",
        columns=(
            "key",
            "title",
            "kind",
            "state",
            "team",
            "iteration",
            "feature",
            "points",
            "estimate_hours",
            "remaining_hours",
            "spent_hours",
            "assignee_name",
        ),
        filters=("team", "iteration", "feature", "state", "kind", "source"),
        search=("key", "title", "external_id", "assignee_name"),
        order=("-created_at",),
        description="Add the first story, or import them from the tracker.",
    )
)
register(
    Resource(
        TrackerLink,
        plural="trackers",
        section="board",
        columns=("name", "train", "tracker_fields"),
        filters=("train",),
        order=("train__key", "name"),
    )
)
register(
    Resource(
        ThroughputWeek,
        plural="throughput-weeks",
        section="board",
        columns=("team", "week", "features", "points", "source"),
        filters=("team",),
        order=("-week", "team__name"),
    )
)
register(
    Resource(
        DependencyTrouble,
        plural="dependency-troubles",
        section="board",
        columns=("dependency", "pi", "service", "cause", "days_late", "note", "recorded_at"),
        filters=("pi", "service", "cause"),
        search=("note", "dependency__what"),
        order=("-recorded_at",),
        select=("dependency__provider", "dependency__consumer"),
    )
)
