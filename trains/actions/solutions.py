"""Verbs of solution trains: members, increments, milestones and integration points with readiness."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from releasetrain.audit.doorway import Actor, Field, Ref, Refusal, action, explain_constraint, register_guard
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import (
    SolutionIncrement,
    SolutionMember,
    SolutionMilestone,
    SolutionTrain,
    Train,
    TrainReadiness,
)

explain_constraint("solution_increment_name_once", "The solution has an increment of this name.")


@action("solution.create", creates=SolutionTrain, requires="trains.manage", label="New solution train")
def create_solution(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", max_length=120)],
    trains: Annotated[list[Train] | None, Field("Trains")] = None,
    description: Annotated[str, Field("Description", long=True)] = "",
) -> SolutionTrain:
    """Group trains that build one solution together."""
    if not name.strip():
        refuse("solution.name", "A solution train has a name.", field="name")
    solution = SolutionTrain.objects.create(name=name.strip(), description=description)
    for train in dict.fromkeys(trains or []):
        _join(solution, train)
    return solution


def _join(solution: SolutionTrain, train: Train) -> SolutionMember:
    other = (
        SolutionMember.objects.filter(train=train, left_at__isnull=True).select_related("solution").first()
    )
    if other:
        refuse(
            "solution.member",
            f"{train.name} belongs to {other.solution}.",
            remedy="Let it leave there first." if other.solution_id != solution.pk else "",
            blocked_by=Ref.of(other.solution),
            field="train",
        )
    if train.archived_at:
        refuse("train.archived", f"{train.name} is archived.", field="train")
    return SolutionMember.objects.create(solution=solution, train=train)


@action("solution.add_train", on=SolutionTrain, requires="trains.manage")
def add_train(
    actor: Actor, solution: SolutionTrain, *, train: Annotated[Train, Field("Train")]
) -> SolutionTrain:
    """Let a train join the solution."""
    _join(solution, train)
    return solution


@action("solution.remove_train", on=SolutionTrain, requires="trains.manage", danger=True)
def remove_train(
    actor: Actor,
    solution: SolutionTrain,
    *,
    train: Annotated[Train, Field("Train")],
    reason: Annotated[str, Field("Reason", max_length=300)],
) -> SolutionTrain:
    """Let a train leave the solution."""
    member = SolutionMember.objects.filter(solution=solution, train=train, left_at__isnull=True).first()
    if member is None:
        refuse("solution.no_member", f"{train.name} is not in {solution}.", field="train")
    member.left_at = now()
    member.save()
    return solution


@action("solution.archive", on=SolutionTrain, requires="trains.manage", danger=True)
def archive_solution(actor: Actor, solution: SolutionTrain) -> SolutionTrain:
    """Close a solution train; its trains go on by themselves."""
    for member in SolutionMember.objects.filter(solution=solution, left_at__isnull=True):
        member.left_at = now()
        member.save()
    solution.archived_at = now()
    solution.save()
    return solution


@action(
    "solution_increment.create",
    creates=SolutionIncrement,
    requires="trains.manage",
    label="Open a solution increment",
)
def create_solution_increment(
    actor: Actor,
    *,
    solution: Annotated[SolutionTrain, Field("Solution train")],
    name: Annotated[str, Field("Name", max_length=40)],
    starts: Annotated[date, Field("Starts")],
    ends: Annotated[date, Field("Ends", help="First day after it.")],
    goal: Annotated[str, Field("Goal", long=True)] = "",
) -> SolutionIncrement:
    """Open a Program Increment of the solution; those of its trains that lie in it roll up into it."""
    _open(solution)
    if ends <= starts:
        refuse("solution_increment.ends", "It ends after it starts.", field="ends")
    other = SolutionIncrement.objects.filter(solution=solution, starts__lt=ends, ends__gt=starts).first()
    if other:
        refuse(
            "solution_increment.overlap",
            f"{other} covers {other.starts} to {other.ends}.",
            remedy="Choose days outside it.",
            blocked_by=Ref.of(other),
            field="starts",
        )
    return SolutionIncrement.objects.create(
        solution=solution, name=name.strip(), starts=starts, ends=ends, goal=goal
    )


def _open(solution: SolutionTrain) -> None:
    if solution.archived_at:
        refuse("solution.archived", f"{solution} is archived.", field="solution")


@action(
    "solution_milestone.create",
    creates=SolutionMilestone,
    requires="trains.manage",
    label="Add milestone or integration point",
)
def create_solution_milestone(
    actor: Actor,
    *,
    solution: Annotated[SolutionTrain, Field("Solution train")],
    name: Annotated[str, Field("Name", max_length=120)],
    on: Annotated[date, Field("Day")],
    kind: Annotated[
        SolutionMilestone.Kind,
        Field("Kind", help="At an integration point every train says how ready it is."),
    ] = SolutionMilestone.Kind.MILESTONE,
    what: Annotated[str, Field("What comes together", long=True)] = "",
) -> SolutionMilestone:
    """Mark a day that matters to the whole solution."""
    _open(solution)
    if not name.strip():
        refuse("solution_milestone.name", "A milestone has a name.", field="name")
    return SolutionMilestone.objects.create(solution=solution, name=name.strip(), on=on, kind=kind, what=what)


@action("solution_milestone.move", on=SolutionMilestone, requires="trains.manage")
def move_solution_milestone(
    actor: Actor,
    milestone: SolutionMilestone,
    *,
    on: Annotated[date, Field("Day")],
    reason: Annotated[str, Field("Reason", max_length=300)],
) -> SolutionMilestone:
    """Move a milestone to another day; its history keeps the day it had."""
    milestone.on = on
    milestone.save()
    return milestone


@action(
    "train_readiness.report",
    creates=TrainReadiness,
    requires="planning.edit",
    within="train",
    label="Report readiness",
)
def report_readiness(
    actor: Actor,
    *,
    point: Annotated[
        SolutionMilestone,
        Field(
            "Integration point", rows=lambda actor, _: SolutionMilestone.objects.filter(kind="integration")
        ),
    ],
    train: Annotated[Train, Field("Train")],
    state: Annotated[TrainReadiness.State, Field("Readiness")],
    evidence: Annotated[
        str,
        Field("What shows it", help="Needed for ready: a release, a test report, a demo.", max_length=500),
    ] = "",
) -> TrainReadiness:
    """Say how ready a train is for an integration point; the latest report counts, earlier ones stay in history."""
    if point.kind != SolutionMilestone.Kind.INTEGRATION:
        refuse("solution_milestone.kind", f"{point} is no integration point.", field="point")
    if not SolutionMember.objects.filter(
        solution=point.solution_id, train=train, left_at__isnull=True
    ).exists():
        refuse(
            "solution.no_member",
            f"{train.name} is not in {point.solution}.",
            remedy=f"Choose a train of {point.solution}.",
            field="train",
        )
    if state == TrainReadiness.State.READY and not evidence.strip():
        refuse("train_readiness.evidence", "Say what shows that the train is ready.", field="evidence")
    row = TrainReadiness.objects.select_for_update().filter(point=point, train=train).first()
    row = row or TrainReadiness(point=point, train=train)
    row.state, row.evidence = state, evidence.strip()
    row.said_at, row.said_by_id = now(), actor.user_id
    row.save()
    return row


def _unarchived(actor: Actor, solution: Any, params: dict[str, Any]) -> Refusal | None:
    if solution is not None and solution.archived_at:
        return Refusal("solution.archived", f"{solution} is archived.")
    return None


for _verb in ("add_train", "remove_train", "archive"):
    register_guard(f"solution.{_verb}", _unarchived)
