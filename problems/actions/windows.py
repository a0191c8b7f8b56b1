"""Negotiating a maintenance window: proposed with its reason, agreed or objected to by each stakeholder, set once all agree."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from django.contrib.auth import get_user_model

from problems.models import Problem, WindowProposal
from problems.models.window_proposal import AGREES, OBJECTS, OPEN
from problems.states import PROPOSAL_STATES
from releasetrain.audit.doorway import Actor, Field, action
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.actions.trains import known_zone
from trains.actions.windows import clock, create_window, known_rule
from trains.models import RecurringWindow
from trains.models.window import LONGEST_MINUTES

from .as_system import as_system

User = get_user_model()
State = WindowProposal.State
Stakeholders = Annotated[
    list[User],  # type: ignore[valid-type]
    Field(
        "Stakeholders",
        help="Everybody who has to agree: the users' side, support, whoever runs what depends on it.",
    ),
]


@action(
    "problem.propose_window", on=Problem, requires="problems.manage", label="Propose a maintenance window"
)
def propose_window(
    actor: Actor,
    problem: Problem,
    *,
    name: Annotated[str, Field("Name", max_length=120)],
    first_day: Annotated[date, Field("First day")],
    at: Annotated[str, Field("At", help="By the wall clock of the zone, e.g. 02:00.", max_length=5)],
    minutes: Annotated[int, Field("Minutes", min=1, max=LONGEST_MINUTES)],
    rrule: Annotated[str, Field("RRULE", help="RFC 5545, e.g. FREQ=MONTHLY;BYDAY=1SU.", max_length=300)],
    reason: Annotated[
        str, Field("Reason", help="What the problem costs, and what the window is for.", long=True)
    ],
    stakeholders: Stakeholders,
    time_zone: Annotated[str, Field("Time zone", help="Empty: the train's.", max_length=64)] = "",
) -> WindowProposal:
    """Propose a recurring maintenance window for a chronic problem; it is set once every stakeholder agrees."""
    if actor.user_id is None:
        refuse("proposal.person", "A person proposes a window.", status=403)
    if not reason.strip():
        refuse("required", "Say what it is for.", field="reason")
    people = {str(p.pk): p for p in stakeholders if p.pk != actor.user_id}
    if not people:
        refuse(
            "proposal.nobody",
            "Somebody other than yourself has to agree.",
            remedy="Name the stakeholders.",
            field="stakeholders",
        )
    first = datetime.combine(first_day, clock(at, "at"))
    train = problem.service.train
    return WindowProposal.objects.create(
        problem=problem,
        name=name.strip() or problem.title[:120],
        first_day=first_day,
        first_time=first.time(),
        minutes=minutes,
        rrule=known_rule(rrule, first),
        time_zone=known_zone(time_zone) if time_zone else (train.time_zone if train else "UTC"),
        reason=reason.strip(),
        positions=[_position(pk, str(person)) for pk, person in people.items()],
        proposed_by_id=actor.user_id,
    )


def _position(pk: str, name: str) -> dict[str, Any]:
    return {"user": pk, "name": name, "stance": OPEN, "reason": "", "at": None}


def _say(proposal: WindowProposal, actor: Actor, stance: str, reason: str) -> None:
    mine = proposal.position_of(actor.user_id)
    if mine is None:
        refuse(
            "proposal.not_asked",
            f"You are no stakeholder of {proposal.key}.",
            remedy="Ask whoever proposed it to name you in a new proposal.",
            status=403,
        )
    said = {**mine, "stance": stance, "reason": reason.strip()[:2_000], "at": now().isoformat()}
    proposal.positions = [said if p is mine else p for p in proposal.positions]


@action("window_proposal.agree", on=WindowProposal, requires="organization.view", machine=PROPOSAL_STATES)
def agree(
    actor: Actor, proposal: WindowProposal, *, remark: Annotated[str, Field("Remark", long=True)] = ""
) -> WindowProposal:
    """Agree to the window. With the last agreement it is set."""
    _say(proposal, actor, AGREES, remark)
    if all(p["stance"] == AGREES for p in proposal.positions):
        with as_system(actor, f"{proposal.key} agreed by everybody") as system:
            proposal.window = create_window(
                system,
                kind=RecurringWindow.Kind.DEPLOYMENT,
                name=proposal.name,
                first_day=proposal.first_day,
                at=f"{proposal.first_time:%H:%M}",
                minutes=proposal.minutes,
                rrule=proposal.rrule,
                service=proposal.problem.service,
                time_zone=proposal.time_zone,
            )
        proposal.state, proposal.settled_at = State.AGREED, now()
    proposal.save()
    return proposal


@action("window_proposal.object", on=WindowProposal, requires="organization.view", machine=PROPOSAL_STATES)
def object_to(
    actor: Actor,
    proposal: WindowProposal,
    *,
    reason: Annotated[str, Field("Objection", help="What would make it possible.", long=True)],
) -> WindowProposal:
    """Object to the window, with the reason. It is not set against an objection."""
    if not reason.strip():
        refuse("required", "Say what stands against it.", field="reason")
    _say(proposal, actor, OBJECTS, reason)
    proposal.save()
    return proposal


@action(
    "window_proposal.amend",
    on=WindowProposal,
    requires="problems.manage",
    machine=PROPOSAL_STATES,
    label="Propose another time",
)
def amend(
    actor: Actor,
    proposal: WindowProposal,
    *,
    first_day: Annotated[date | None, Field("First day")] = None,
    at: Annotated[str, Field("At", max_length=5)] = "",
    minutes: Annotated[int | None, Field("Minutes", min=1, max=LONGEST_MINUTES)] = None,
    rrule: Annotated[str, Field("RRULE", max_length=300)] = "",
    stakeholders: Annotated[
        list[User],  # type: ignore[valid-type]
        Field("Further stakeholders"),
    ] = [],  # noqa: B006 - read only
) -> WindowProposal:
    """Put another time in its place; everybody is asked again. What was said to this one stays with it."""
    if actor.user_id is None:
        refuse("proposal.person", "A person proposes a window.", status=403)
    time = clock(at, "at") if at else proposal.first_time
    day = first_day or proposal.first_day
    said = {p["user"]: p["name"] for p in proposal.positions}
    said |= {str(p.pk): str(p) for p in stakeholders if p.pk != actor.user_id}
    said.pop(str(actor.user_id), None)
    if not said:
        refuse("proposal.nobody", "Somebody other than yourself has to agree.", field="stakeholders")
    proposal.state, proposal.settled_at = State.SUPERSEDED, now()
    proposal.save()
    return WindowProposal.objects.create(
        problem=proposal.problem,
        name=proposal.name,
        first_day=day,
        first_time=time,
        minutes=minutes or proposal.minutes,
        rrule=known_rule(rrule or proposal.rrule, datetime.combine(day, time)),
        time_zone=proposal.time_zone,
        reason=proposal.reason,
        positions=[_position(pk, name) for pk, name in said.items()],
        proposed_by_id=actor.user_id,
        replaces=proposal,
    )


@action("window_proposal.withdraw", on=WindowProposal, requires="problems.manage", machine=PROPOSAL_STATES)
def withdraw(
    actor: Actor, proposal: WindowProposal, *, reason: Annotated[str, Field("Reason", long=True)]
) -> WindowProposal:
    """Take the proposal back."""
    if not reason.strip():
        refuse("required", "Say why.", field="reason")
    proposal.settled_at = now()
    return proposal
