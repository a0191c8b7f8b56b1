"""The faces of solution trains. They stand here because their roll-up counts features."""

from __future__ import annotations

from planning.pages.solution import solution_page
from releasetrain.interface import navigation
from releasetrain.interface.resources import Resource, register
from trains.models import SolutionIncrement, SolutionMember, SolutionMilestone, SolutionTrain, TrainReadiness

register(
    Resource(
        SolutionTrain,
        plural="solutions",
        section="solutions",
        icon="train",
        columns=("key", "name", "archived_at"),
        search=("key", "name"),
        order=("key",),
        template="planning/solution.html",
        context=solution_page,
        description="Group trains that build one solution together.",
    )
)
register(
    Resource(
        SolutionMember,
        plural="solution-members",
        section="trains",
        columns=("solution", "train", "left_at"),
        filters=("solution", "train"),
        order=("solution__key", "train__key"),
        select=("solution", "train"),
    )
)
register(
    Resource(
        SolutionIncrement,
        plural="solution-increments",
        section="trains",
        columns=("name", "solution", "starts", "ends"),
        filters=("solution",),
        search=("name",),
        order=("-starts", "name"),
        select=("solution",),
    )
)
register(
    Resource(
        SolutionMilestone,
        plural="solution-milestones",
        section="trains",
        icon="milestone",
        columns=("name", "solution", "on", "kind"),
        filters=("solution", "kind"),
        search=("name",),
        order=("on", "name"),
        select=("solution",),
    )
)
register(
    Resource(
        TrainReadiness,
        plural="train-readiness",
        section="trains",
        columns=("point", "train", "state", "evidence", "said_at", "said_by"),
        filters=("point", "train", "state"),
        order=("point__on", "train__key"),
        select=("point", "train"),
    )
)
navigation.register(
    navigation.Place("solutions", "Solutions", "train", "solutions/", 113, "Plan", "Solution trains")
)
navigation.register(
    navigation.Place(
        "integration", "Integration", "milestone", "integration/", 114, "Plan", "Integration milestones"
    )
)
