"""Impediments: raised by a team, worked by the RTE; interruptions logged with their hours."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from planning.models import Feature, Impediment, Interruption
from planning.queries.increments import today_of
from planning.states_event import IMPEDIMENT_STATES
from releasetrain.accounts.models import User
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.tasks import enqueue
from trains import tasks
from trains.models import Iteration, ProgramIncrement, Team


def _present(team: Team) -> ProgramIncrement | None:
    """The Program Increment that the team plans or works in now."""
    rows = ProgramIncrement.objects.filter(train_id=team.train_id).exclude(state="closed")
    today = today_of(team.train)
    running = rows.filter(starts__lte=today, ends__gt=today).first()
    return running or rows.filter(state="planning").first()


@action(
    "impediment.raise",
    creates=Impediment,
    requires="planning.score",
    within="team",
    label="Raise an impediment",
)
def raise_impediment(
    actor: Actor,
    *,
    team: Annotated[Team, Field("Team")],
    title: Annotated[str, Field("What is in the way", max_length=200)],
    description: Annotated[str, Field("Description", long=True)] = "",
    feature: Annotated[Feature | None, Field("Feature that waits")] = None,
    pi: Annotated[ProgramIncrement | None, Field("PI", "The present one when left out.")] = None,
) -> Impediment:
    """Say what keeps your team from its work. The RTE works it; it ages, and escalates by policy."""
    if not title.strip():
        refuse("impediment.title", "Say what is in the way.", field="title", status=422)
    if feature is not None and feature.train_id != team.train_id:
        refuse("train.other", f"{feature} belongs to another train.", field="feature")
    if pi is not None and pi.train_id != team.train_id:
        refuse("train.other", f"{pi} belongs to another train.", field="pi")
    made = Impediment.objects.create(
        team=team,
        pi=pi or _present(team),
        feature=feature,
        title=title.strip(),
        description=description.strip(),
        raised_by_id=actor.user_id,
        raised_at=now(),
    )
    enqueue(tasks.sweep_now, actor.organization_id)
    return made


@action(
    "impediment.take",
    on=Impediment,
    requires="planning.plan",
    machine=IMPEDIMENT_STATES,
    label="Take or assign",
)
def take_impediment(
    actor: Actor, impediment: Impediment, *, owner: Annotated[User | None, Field("Owner", "You.")] = None
) -> Impediment:
    """Somebody works it."""
    impediment.owner_id = owner.pk if owner else actor.user_id
    if impediment.owner_id is None:
        refuse("impediment.nobody", "Name who works it.", field="owner", status=422)
    return impediment


@action("impediment.resolve", on=Impediment, requires="planning.plan", machine=IMPEDIMENT_STATES)
def resolve_impediment(
    actor: Actor, impediment: Impediment, *, resolution: Annotated[str, Field("How", max_length=500)]
) -> Impediment:
    """It is out of the way."""
    if not resolution.strip():
        refuse("impediment.how", "Say how it was resolved.", field="resolution", status=422)
    impediment.resolution, impediment.resolved_at = resolution.strip(), now()
    return impediment


@action("impediment.drop", on=Impediment, requires="planning.plan", machine=IMPEDIMENT_STATES)
def drop_impediment(
    actor: Actor, impediment: Impediment, *, reason: Annotated[str, Field("Reason", max_length=300)]
) -> Impediment:
    """Nobody will work it, and the team knows why."""
    impediment.resolution, impediment.resolved_at = reason.strip(), now()
    return impediment


@action("impediment.reopen", on=Impediment, requires="planning.score", machine=IMPEDIMENT_STATES)
def reopen_impediment(
    actor: Actor, impediment: Impediment, *, reason: Annotated[str, Field("Reason", max_length=300)]
) -> Impediment:
    """It is in the way again. Its age counts on from the first day."""
    impediment.resolved_at, impediment.resolution = None, ""
    impediment.owner = None
    return impediment


def _iterations(actor: Actor, subject: Any) -> Any:
    return Iteration.objects.select_related("pi").exclude(pi__state="closed").order_by("starts")


@action(
    "interruption.log",
    creates=Interruption,
    requires="planning.score",
    within="team",
    label="Log an interruption",
)
def log_interruption(
    actor: Actor,
    *,
    team: Annotated[Team, Field("Team")],
    hours: Annotated[Decimal, Field("Hours", "Of all people together.", min=0.25, max=1000)],
    cause: Annotated[Interruption.Cause, Field("Cause")],
    what: Annotated[str, Field("What", max_length=200)],
    on: Annotated[date | None, Field("Day", "Today when left out.")] = None,
    iteration: Annotated[
        Iteration | None, Field("Iteration", "The one of that day when left out.", rows=_iterations)
    ] = None,
    impediment: Annotated[Impediment | None, Field("Impediment")] = None,
    feature: Annotated[Feature | None, Field("Feature that waited")] = None,
) -> Interruption:
    """Log hours that the iteration had not promised."""
    day = on or today_of(team.train)
    if iteration is None:
        iteration = Iteration.objects.filter(
            pi__train_id=team.train_id, starts__lte=day, ends__gt=day
        ).first()
    if iteration is None:
        refuse(
            "interruption.iteration", f"No iteration of {team.train} runs on {day}.", field="on", status=422
        )
    if iteration.pi.train_id != team.train_id:
        refuse("train.other", f"{iteration} belongs to another train.", field="iteration")
    if not iteration.starts <= day < iteration.ends:
        refuse("interruption.day", f"{day} is not in {iteration}.", field="on", status=422)
    return Interruption.objects.create(
        team=team,
        iteration=iteration,
        on=day,
        hours=hours,
        cause=cause,
        what=what.strip(),
        impediment=impediment,
        feature=feature,
        logged_by_id=actor.user_id,
    )
