"""Quarterly goals of a train, and the themes that carry them into the backlog."""

from __future__ import annotations

from typing import Annotated, Any

from planning.models import GoalKind, QuarterlyGoal, Theme
from planning.rules.quarters import is_quarter
from releasetrain.audit.doorway import action, explain_constraint, register_guard
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import KEEP, Field
from releasetrain.kernel.refusals import Refusal, refuse
from trains.models import Train

from .features import belongs_to

explain_constraint("theme_name_once", "The train has a theme of this name.")
explain_constraint("quarterly_goal_once", "The train has this goal in this quarter already.")

Quarter = Annotated[str, Field("Quarter", "Written 2026-Q4.", max_length=7)]


def _goals(actor: Actor, subject: Any) -> Any:
    rows = QuarterlyGoal.objects.filter(dropped_at__isnull=True)
    return rows.filter(train=subject.train_id) if isinstance(subject, Theme) else rows


def check_quarter(quarter: str) -> str:
    """The quarter as it is kept, refused when it is none."""
    if not is_quarter(quarter.strip()):
        refuse("quarter", f"{quarter[:20]} is no quarter.", remedy="Write it like 2026-Q4.", field="quarter")
    return quarter.strip()


@action(
    "quarterly_goal.create", creates=QuarterlyGoal, requires="planning.edit", within="train", label="New goal"
)
def create_quarterly_goal(
    actor: Actor,
    *,
    train: Annotated[Train, Field("Train")],
    quarter: Quarter,
    title: Annotated[str, Field("Goal", max_length=200)],
    kind: Annotated[GoalKind, Field("Kind")] = GoalKind.MARKET,
    measure: Annotated[str, Field("How it is measured", max_length=300)] = "",
) -> QuarterlyGoal:
    """State what a train is to reach in a quarter."""
    if not title.strip():
        refuse("quarterly_goal.title", "A goal has a title.", field="title")
    return QuarterlyGoal.objects.create(
        train=train, quarter=check_quarter(quarter), kind=kind, title=title.strip(), measure=measure.strip()
    )


@action("quarterly_goal.edit", on=QuarterlyGoal, requires="planning.edit")
def edit_quarterly_goal(
    actor: Actor,
    goal: QuarterlyGoal,
    *,
    quarter: Annotated[str | None, Field("Quarter", "Written 2026-Q4.", max_length=7)] = None,
    title: Annotated[str | None, Field("Goal", max_length=200)] = None,
    kind: Annotated[GoalKind | None, Field("Kind")] = None,
    measure: Annotated[str | None, Field("How it is measured", max_length=300)] = KEEP,
) -> QuarterlyGoal:
    """Change a goal. What is left out stays as it is."""
    goal.quarter = check_quarter(quarter) if quarter else goal.quarter
    goal.title = (title or "").strip() or goal.title
    goal.kind = kind or goal.kind
    goal.measure = goal.measure if measure is KEEP else (measure or "").strip()
    goal.save()
    return goal


@action("quarterly_goal.drop", on=QuarterlyGoal, requires="planning.edit", danger=True)
def drop_quarterly_goal(actor: Actor, goal: QuarterlyGoal) -> QuarterlyGoal:
    """Give a goal up; its themes stay, and are listed as orphans."""
    goal.dropped_at = now()
    goal.save()
    return goal


def still_pursued(actor: Actor, goal: QuarterlyGoal, params: dict[str, Any]) -> Refusal | None:
    """A dropped goal is not changed any more."""
    return Refusal("quarterly_goal.dropped", f"{goal} was dropped.") if goal.dropped_at else None


for _verb in ("edit", "drop"):
    register_guard(f"quarterly_goal.{_verb}", still_pursued)


@action("theme.create", creates=Theme, requires="planning.edit", within="train", label="New theme")
def create_theme(
    actor: Actor,
    *,
    train: Annotated[Train, Field("Train")],
    name: Annotated[str, Field("Name", max_length=120)],
    goal: Annotated[str, Field("What it is about", long=True)] = "",
    quarterly_goal: Annotated[QuarterlyGoal | None, Field("Quarterly goal", rows=_goals)] = None,
) -> Theme:
    """Name what features have in common, and the quarterly goal that they serve."""
    belongs_to(train.pk, quarterly_goal=quarterly_goal)
    if not name.strip():
        refuse("theme.name", "A theme has a name.", field="name")
    return Theme.objects.create(train=train, name=name.strip(), goal=goal, quarterly_goal=quarterly_goal)


@action("theme.edit", on=Theme, requires="planning.edit")
def edit_theme(
    actor: Actor,
    theme: Theme,
    *,
    name: Annotated[str | None, Field("Name", max_length=120)] = None,
    goal: Annotated[str | None, Field("What it is about", long=True)] = KEEP,
    quarterly_goal: Annotated[QuarterlyGoal | None, Field("Quarterly goal", rows=_goals)] = KEEP,
) -> Theme:
    """Change a theme. What is left out stays as it is; what is given empty is cleared."""
    theme.name = (name or "").strip() or theme.name
    if goal is not KEEP:
        theme.goal = (goal or "").strip()
    if quarterly_goal is not KEEP:
        belongs_to(theme.train_id, quarterly_goal=quarterly_goal)
        theme.quarterly_goal = quarterly_goal
    theme.save()
    return theme
