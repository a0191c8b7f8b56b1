"""Ceremonies that were held, what they agreed, and self-assessments of teams."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from planning.models import Assessment, AssessmentScore, Ceremony, CeremonyAction, CeremonyKind
from planning.queries.increments import today_of
from planning.rules.health import DIMENSIONS
from planning.states_event import ACTION_STATES
from releasetrain.accounts.models import User
from releasetrain.audit.doorway import action, explain_constraint
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import refuse
from trains.models import Team, Train

explain_constraint("assessment_once_a_day", "The team has assessed itself on this day already.")


@action(
    "ceremony.record", creates=Ceremony, requires="planning.edit", within="train", label="Record a ceremony"
)
def record_ceremony(
    actor: Actor,
    *,
    train: Annotated[Train, Field("Train")],
    kind: Annotated[CeremonyKind, Field("Ceremony")],
    held_at: Annotated[datetime | None, Field("Held", "Now when left out.")] = None,
    team: Annotated[Team | None, Field("Team", "Empty: of the whole train.")] = None,
    facilitator: Annotated[User | None, Field("Facilitated by", "You when left out.")] = None,
    present: Annotated[int | None, Field("People present", min=0, max=10000)] = None,
    notes: Annotated[str, Field("Notes", long=True)] = "",
) -> Ceremony:
    """Record that a ceremony was held, and who facilitated it."""
    if team is not None and team.train_id != train.pk:
        refuse("train.other", f"{team} is not a team of {train}.", field="team")
    held = held_at or now()
    if held > now():
        refuse("ceremony.future", "It has not been held yet.", field="held_at", status=422)
    if facilitator is None and actor.user_id is None:
        refuse("ceremony.nobody", "Name who facilitated it.", field="facilitator", status=422)
    return Ceremony.objects.create(
        train=train,
        team=team,
        kind=kind,
        held_at=held,
        facilitator_id=facilitator.pk if facilitator else actor.user_id,
        present=present,
        notes=notes.strip(),
    )


@action("ceremony.agree", on=Ceremony, requires="planning.edit", label="Agree on an action")
def agree_action(
    actor: Actor,
    ceremony: Ceremony,
    *,
    title: Annotated[str, Field("What", max_length=200)],
    owner: Annotated[User, Field("Who")],
    due_on: Annotated[date, Field("Until")],
) -> CeremonyAction:
    """Write down what is to be done, by whom and until when."""
    if due_on < today_of(ceremony.train):
        refuse("ceremony_action.past", "This day is past.", field="due_on", status=422)
    return CeremonyAction.objects.create(ceremony=ceremony, title=title.strip(), owner=owner, due_on=due_on)


@action("ceremony_action.finish", on=CeremonyAction, requires="planning.edit", machine=ACTION_STATES)
def finish_action(
    actor: Actor, item: CeremonyAction, *, outcome: Annotated[str, Field("What it changed", max_length=300)]
) -> CeremonyAction:
    """It is done."""
    if not outcome.strip():
        refuse("ceremony_action.outcome", "Say what it changed.", field="outcome", status=422)
    item.outcome, item.finished_on = outcome.strip(), today_of(item.ceremony.train)
    return item


@action("ceremony_action.drop", on=CeremonyAction, requires="planning.edit", machine=ACTION_STATES)
def drop_action(
    actor: Actor, item: CeremonyAction, *, reason: Annotated[str, Field("Reason", max_length=300)]
) -> CeremonyAction:
    """It will not be done."""
    item.outcome, item.finished_on = reason.strip(), today_of(item.ceremony.train)
    return item


@action("ceremony_action.reopen", on=CeremonyAction, requires="planning.edit", machine=ACTION_STATES)
def reopen_action(actor: Actor, item: CeremonyAction) -> CeremonyAction:
    """It is not done after all."""
    item.finished_on = None
    return item


@action(
    "assessment.record", creates=Assessment, requires="planning.score", within="team", label="Assess a team"
)
def record_assessment(
    actor: Actor,
    *,
    team: Annotated[Team, Field("Team")],
    product: Annotated[int, Field(*DIMENSIONS["product"], min=1, max=5)],
    planning: Annotated[int, Field(*DIMENSIONS["planning"], min=1, max=5)],
    delivery: Annotated[int, Field(*DIMENSIONS["delivery"], min=1, max=5)],
    quality: Annotated[int, Field(*DIMENSIONS["quality"], min=1, max=5)],
    automation: Annotated[int, Field(*DIMENSIONS["automation"], min=1, max=5)],
    teamwork: Annotated[int, Field(*DIMENSIONS["teamwork"], min=1, max=5)],
    improvement: Annotated[int, Field(*DIMENSIONS["improvement"], min=1, max=5)],
    alignment: Annotated[int, Field(*DIMENSIONS["alignment"], min=1, max=5)],
    held_on: Annotated[date | None, Field("Day", "Today when left out.")] = None,
    note: Annotated[str, Field("Note", long=True)] = "",
) -> Assessment:
    """How the team sees itself: 1 not at all, 5 fully. Compared only with the same team's earlier answers."""
    day = held_on or today_of(team.train)
    if day > today_of(team.train):
        refuse("assessment.future", "This day is still to come.", field="held_on", status=422)
    given = {
        "product": product,
        "planning": planning,
        "delivery": delivery,
        "quality": quality,
        "automation": automation,
        "teamwork": teamwork,
        "improvement": improvement,
        "alignment": alignment,
    }
    made = Assessment.objects.create(team=team, held_on=day, facilitator_id=actor.user_id, note=note.strip())
    for dimension, score in given.items():
        AssessmentScore.objects.create(assessment=made, dimension=dimension, score=score)
    return made
