"""States of planning's objects, and the tables that say which verb leads where."""

from __future__ import annotations

from django.db import models

from releasetrain.kernel.states import StateMachine, Transition


class FeatureState(models.TextChoices):
    """Where a feature stands between idea and use."""

    FUNNEL = "funnel", "Funnel"
    ANALYSIS = "analysis", "Analysis"
    READY = "ready", "Ready"
    PLANNED = "planned", "Planned"
    IN_PROGRESS = "in_progress", "In progress"
    DONE = "done", "Done"
    CANCELLED = "cancelled", "Cancelled"


class DependencyState(models.TextChoices):
    """How far two teams have agreed on a dependency."""

    PROPOSED = "proposed", "Proposed"
    ACCEPTED = "accepted", "Accepted"
    COMMITTED = "committed", "Committed"
    AT_RISK = "at_risk", "At risk"
    BLOCKED = "blocked", "Blocked"
    DONE = "done", "Done"
    WITHDRAWN = "withdrawn", "Withdrawn"


class WorkState(models.TextChoices):
    """How far a story or task is."""

    TODO = "todo", "To do"
    IN_PROGRESS = "in_progress", "In progress"
    DONE = "done", "Done"
    DROPPED = "dropped", "Dropped"


class TroubleCause(models.TextChoices):
    """Why a delivery between teams came late or not at all."""

    CAPACITY = "capacity", "Provider had no capacity"
    OWNERSHIP = "ownership", "Nobody owned it"
    INTERFACE = "interface", "Interface unclear or changed"
    LATE = "late", "Found out too late"
    ENVIRONMENT = "environment", "Environment or data missing"
    THIRD_PARTY = "third_party", "Third party"
    OTHER = "other", "Other"


F, D = FeatureState, DependencyState

UNREFINED = (F.FUNNEL, F.ANALYSIS)
IN_PLAN = (F.PLANNED, F.IN_PROGRESS)
OPEN = (F.FUNNEL, F.ANALYSIS, F.READY, F.PLANNED, F.IN_PROGRESS)
CLOSED = (F.DONE, F.CANCELLED)
LIVE_DEPENDENCY = (D.PROPOSED, D.ACCEPTED, D.COMMITTED, D.AT_RISK, D.BLOCKED)

FEATURE_STATES = StateMachine(
    initial=F.FUNNEL,
    labels=dict(F.choices),
    transitions=(
        Transition("feature.analyse", F.FUNNEL, F.ANALYSIS),
        Transition("feature.refine", (F.FUNNEL, F.ANALYSIS, F.READY), F.READY),
        # In a plan already: signed anew after a change, it stays where it is.
        Transition("feature.refine", IN_PLAN, None),
        # Its parts are all settled: the whole is done with them.
        Transition("feature.roll_up", OPEN, F.DONE),
        # Unrefined features may ask, so that the guard can say what is missing instead of naming states.
        Transition("feature.place", OPEN, None),
        Transition("feature.unplace", F.PLANNED, F.READY),
        Transition("feature.start", F.PLANNED, F.IN_PROGRESS),
        Transition("feature.complete", (F.PLANNED, F.IN_PROGRESS), F.DONE),
        Transition("feature.cancel", OPEN, F.CANCELLED),
    ),
)

DEPENDENCY_STATES = StateMachine(
    initial=D.PROPOSED,
    labels=dict(D.choices),
    transitions=(
        Transition("feature_dependency.edit", LIVE_DEPENDENCY, None),
        Transition("feature_dependency.accept", D.PROPOSED, D.ACCEPTED),
        Transition("feature_dependency.commit", (D.ACCEPTED, D.AT_RISK, D.BLOCKED), D.COMMITTED),
        Transition("feature_dependency.flag", (D.ACCEPTED, D.COMMITTED, D.BLOCKED), D.AT_RISK),
        Transition("feature_dependency.block", (D.ACCEPTED, D.COMMITTED, D.AT_RISK), D.BLOCKED),
        Transition("feature_dependency.complete", LIVE_DEPENDENCY, D.DONE),
        Transition("feature_dependency.withdraw", LIVE_DEPENDENCY, D.WITHDRAWN),
    ),
)

W = WorkState

WORK_STATES = StateMachine(
    initial=W.TODO,
    labels=dict(W.choices),
    transitions=(
        Transition("work_item.start", W.TODO, W.IN_PROGRESS),
        Transition("work_item.finish", (W.TODO, W.IN_PROGRESS), W.DONE),
        Transition("work_item.reopen", (W.DONE, W.DROPPED), W.TODO),
        Transition("work_item.drop", (W.TODO, W.IN_PROGRESS), W.DROPPED),
        Transition("work_item.edit", (W.TODO, W.IN_PROGRESS), None),
        Transition("work_item.log", (W.TODO, W.IN_PROGRESS), None),
        Transition("work_item.block", (W.TODO, W.IN_PROGRESS), None),
        Transition("work_item.unblock", (W.TODO, W.IN_PROGRESS), None),
    ),
)

QUARTERLY_REVIEW_STATES = StateMachine(
    initial="prepared",
    labels={"prepared": "Prepared", "running": "Running", "closed": "Closed"},
    transitions=(
        Transition("quarterly_review.open", "prepared", "running"),
        Transition("quarterly_review.close", "running", "closed"),
    ),
)
