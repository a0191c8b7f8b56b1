"""Writes of change requests: from draft through votes to deployment and closure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError

from governance.models import ApprovalPolicy, Board, ChangeContributor, ChangeRequest, Condition, Vote
from governance.queries import changes as queries
from governance.queries import policies
from governance.queries.collisions import meets, plain_collisions
from governance.queries.risk import assess as assessment_of
from governance.rules.risk import worst
from governance.states.changes import CHANGE_STATES
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, Refusal, Refused, refuse
from trains.models import ConfigurationItem, Environment, Release, Service

from .deciding import (
    State,
    ask,
    count_votes,
    decided_jointly,
    raise_revision,
    release_follows,
    settle_content,
)

__all__ = ["State", "raise_revision", "release_follows", "settle_content"]

Plan = Annotated[str | None, Field(long=True, max_length=20_000)]
PLANS = ("implementation_plan", "test_plan", "communication_plan", "backout_plan")


@action("change.create", creates=ChangeRequest, requires="changes.author")
def create_change(
    actor: Actor,
    *,
    title: Annotated[str, Field("Title", max_length=200)],
    board: Board,
    release: Release | None = None,
    service: Service | None = None,
    environment: Environment | None = None,
    type: Annotated[ChangeRequest.Type, Field("Type")] = ChangeRequest.Type.NORMAL,
    risk: Annotated[ChangeRequest.Risk, Field("Risk")] = ChangeRequest.Risk.MEDIUM,
    window_starts: Annotated[datetime | None, Field("Window from")] = None,
    window_ends: Annotated[datetime | None, Field("Window until")] = None,
    implementation_plan: Annotated[str, Field("Implementation plan", long=True)] = "",
    test_plan: Annotated[str, Field("Test plan", long=True)] = "",
    communication_plan: Annotated[str, Field("Communication plan", long=True)] = "",
    backout_plan: Annotated[str, Field("Backout plan", long=True)] = "",
    affected: Annotated[
        list[ConfigurationItem] | None, Field("Affected items", help="What it touches, beside its services.")
    ] = None,
) -> ChangeRequest:
    """Write a change request."""
    check_window(window_starts, window_ends)
    change = ChangeRequest(
        title=title,
        board=board,
        release=release,
        service=service,
        environment=environment,
        type=type,
        risk=risk,
        window_starts=window_starts,
        window_ends=window_ends,
        implementation_plan=implementation_plan,
        test_plan=test_plan,
        communication_plan=communication_plan,
        backout_plan=backout_plan,
        affected=sorted(item.key for item in affected or []),
        author_id=_person(actor),
    )
    if risk == ChangeRequest.Risk.HIGH:
        change.risk_raised, change.risk_raised_because = risk, "Stated by its author."
    change.content, change.content_digest = queries.present_content(change)
    change.save()
    ChangeContributor.objects.create(
        change=change, user_id=change.author_id, act=ChangeContributor.Act.AUTHORED
    )
    return change


def _person(actor: Actor) -> Any:
    """The person behind the act; the system authors nothing by itself."""
    if actor.user_id is None:
        refuse("change.author", "A change request has a person or service account as its author.", status=403)
    return actor.user_id


def reassess(change: ChangeRequest) -> None:
    """Compute the risk anew from the answers and the past; by itself it only rises."""
    found = assessment_of(change)
    found["risk"] = worst(found["risk"], change.risk)
    change.assessment, change.risk = found, found["risk"]


def check_window(starts: datetime | None, ends: datetime | None) -> None:
    if (starts is None) != (ends is None):
        refuse(
            "change.window",
            "A window has a start and an end.",
            field="window_ends" if ends is None else "window_starts",
        )
    if starts and ends and ends <= starts:
        refuse("change.window", "The window ends before it starts.", field="window_ends")


@action("change.edit", on=ChangeRequest, requires="changes.author", machine=CHANGE_STATES)
def edit_change(
    actor: Actor,
    change: ChangeRequest,
    *,
    title: Annotated[str | None, Field("Title", max_length=200)] = None,
    type: Annotated[ChangeRequest.Type | None, Field("Type")] = None,
    risk: Annotated[ChangeRequest.Risk | None, Field("Risk")] = None,
    window_starts: Annotated[datetime | None, Field("Window from")] = None,
    window_ends: Annotated[datetime | None, Field("Window until")] = None,
    implementation_plan: Annotated[str | None, Field("Implementation plan", long=True)] = None,
    test_plan: Annotated[str | None, Field("Test plan", long=True)] = None,
    communication_plan: Annotated[str | None, Field("Communication plan", long=True)] = None,
    backout_plan: Annotated[str | None, Field("Backout plan", long=True)] = None,
    affected: Annotated[list[ConfigurationItem] | None, Field("Affected items")] = None,
) -> ChangeRequest:
    """Change the request. Content that was being voted on or was approved has to be decided again."""
    given = {
        "title": title,
        "type": type,
        "risk": risk,
        "window_starts": window_starts,
        "window_ends": window_ends,
        "implementation_plan": implementation_plan,
        "test_plan": test_plan,
        "communication_plan": communication_plan,
        "backout_plan": backout_plan,
    }
    for name, value in given.items():
        if value is not None:
            setattr(change, name, value)
    if affected is not None:
        change.affected = sorted(item.key for item in affected)
    if risk is not None and change.assessed_at and worst(risk, change.assessment["risk"]) != risk:
        refuse(
            "change.risk_computed",
            f"The risk of {change.key} was assessed as {change.assessment['risk']}; nobody lowers it by hand.",
            remedy="Assess the change again, with what is different now.",
            field="risk",
        )
    if risk is not None and change.assessed_at and risk != change.assessment["risk"]:
        refuse(
            "change.risk_computed",
            "The risk of an assessed change is raised with a reason.",
            remedy="Use “Raise the risk”.",
            field="risk",
        )
    check_window(change.window_starts, change.window_ends)
    if change.assessed_at:
        reassess(change)
    if actor.user_id and actor.user_id not in queries.contributors(change):
        # Whoever shapes the content may not decide on it; the revision rises first, so an earlier vote is void.
        raise_revision(change, f"edited by {actor.name}")
        change.save()
        ChangeContributor.objects.create(
            change=change, user_id=actor.user_id, act=ChangeContributor.Act.AUTHORED
        )
    else:
        settle_content(change, "its own text changed")
        change.save()
    return change


@action("change.add_contributor", on=ChangeRequest, requires="changes.author", machine=CHANGE_STATES)
def add_contributor(
    actor: Actor,
    change: ChangeRequest,
    *,
    email: Annotated[str, Field("E-mail address", max_length=254)],
    act: Annotated[ChangeContributor.Act, Field("What they did")],
) -> ChangeContributor:
    """Name somebody who had a hand in it; they cannot decide it any more."""
    user = (
        get_user_model()
        .objects.filter(email__iexact=email.strip(), memberships__organization_id=actor.organization_id)
        .first()
    )
    if user is None:
        refuse("person.unknown", f"{email} is nobody in this organization.", field="email")
    if change.contributors.filter(user=user, act=act).exists():
        refuse("change.contributor", f"{user} is named already.", field="email")
    if user.pk not in queries.contributors(change):
        raise_revision(change, f"{user} contributed")
        change.save()
    return ChangeContributor.objects.create(change=change, user=user, act=act)


@action("change.submit", on=ChangeRequest, requires="changes.author", machine=CHANGE_STATES)
def submit(actor: Actor, change: ChangeRequest) -> ChangeRequest:
    """Ask the board to decide. What is missing is named, all at once."""
    missing = [
        Refusal(
            "change.incomplete",
            f"The {name.replace('_', ' ')} is missing.",
            "Edit the change request.",
            field=name,
            status=422,
        )
        for name in ("implementation_plan", "test_plan", "backout_plan")
        if not getattr(change, name).strip()
    ]
    if change.window_starts is None:
        missing.append(
            Refusal(
                "change.incomplete",
                "The window is missing.",
                "Edit the change request.",
                field="window_starts",
                status=422,
            )
        )
    if change.assessed_at is None and ApprovalPolicy.objects.exists():
        missing.append(
            Refusal(
                "change.not_assessed",
                f"The risk of {change.key} is not assessed yet; the approval policy needs it.",
                "Answer the risk questionnaire.",
                field="risk_answers",
                status=422,
            )
        )
    if missing:
        raise Refused(*missing)
    if change.assessed_at:
        reassess(change)
    met = meets(change)
    change.collisions = plain_collisions(met)
    change.joint = decided_jointly(change)
    board = _board_by_policy(change)
    if board is not None:
        change.board = board
    spared = policies.is_pre_approved(change) and not change.collisions
    tally = queries.tally(change)
    if not tally.reachable and not spared:
        refuse(
            "change.no_quorum",
            f"{change.board} has {tally.eligible} members who may decide this change; its quorum is {tally.needed}.",
            remedy="Seat further members who did not contribute to it.",
            blocked_by=Ref.of(change.board),
        )
    change.content, change.content_digest = queries.present_content(change)
    change.submitted_at = now()
    ask(actor, change)
    return change


def _board_by_policy(change: ChangeRequest) -> Board | None:
    """The board that the first fitting rule of the policy names; None where it leaves that to the author."""
    policy = ApprovalPolicy.objects.order_by("-number").first()
    if policy is None:
        return None
    found, _ = policies.route_of(change, policy)
    return Board.objects.filter(name=found.board).first() if found.board else None


@action(
    "change.vote",
    on=ChangeRequest,
    requires="changes.vote",
    machine=CHANGE_STATES,
    label="Record decision",
    step_up=True,
)
def vote(
    actor: Actor,
    change: ChangeRequest,
    *,
    choice: Annotated[Vote.Choice, Field("Decision")],
    rationale: Annotated[str, Field("Rationale", long=True, max_length=5_000)],
    conditions: Annotated[
        str, Field("Conditions", help="One a line. Each blocks the gate until it is met.", long=True)
    ] = "",
    revision: Annotated[
        int | None, Field("Revision", help="The revision you read; refused when it has changed since.")
    ] = None,
    on_behalf_of: Annotated[
        str | None,
        Field("In place of", help="A member's e-mail address, if you are their deputy.", max_length=254),
    ] = None,
) -> ChangeRequest:
    """Vote on the change as it stands at this revision."""
    if revision is not None and revision != change.revision:
        refuse(
            "change.moved_on",
            f"{change.key} is at revision {change.revision}; you read revision {revision}.",
            remedy="Read what changed and decide again.",
            blocked_by=Ref.of(change),
        )
    if change.decide_by and change.decide_by <= now():
        refuse(
            "vote.too_late",
            f"The time to vote on {change.key} was over at {change.decide_by:%d %b %H:%M} UTC.",
            remedy="The change expires or goes to the next board; its author may ask again.",
            blocked_by=Ref.of(change),
        )
    asked = [line.strip() for line in conditions.splitlines() if line.strip()]
    if (choice == Vote.Choice.CONDITIONS) != bool(asked):
        refuse(
            "vote.conditions",
            "Conditions and the decision “approve with conditions” go together.",
            field="conditions",
        )
    if not rationale.strip():
        refuse("required", "Say why: the decision is read by auditors.", field="rationale")
    _, digest = queries.present_content(change)
    if digest != change.content_digest:
        refuse(
            "change.moved_on",
            f"The content of {change.key} changed while you read it.",
            remedy="Reload and decide again.",
        )
    voter_id = _seat(actor, change, on_behalf_of)
    try:
        cast = Vote.objects.create(
            change=change,
            board_id=change.board_id,
            revision=change.revision,
            content_digest=change.content_digest,
            voter_id=voter_id,
            cast_by_id=actor.user_id,
            choice=choice,
            rationale=rationale,
        )
    except IntegrityError as error:
        sentence = str(error.__cause__).split("\n")[0]
        raise Refused(Refusal("segregation.vote", f"The database refuses this vote: {sentence}.")) from error
    for text in asked:
        Condition.objects.create(change=change, vote=cast, text=text[:500])
    count_votes(actor, change)
    return change


def _seat(actor: Actor, change: ChangeRequest, on_behalf_of: str | None) -> Any:
    """Whose vote is cast. Every reason against it is said here; the database says it again."""
    if actor.user_id in set(change.recusals.values_list("user_id", flat=True)):
        refuse(
            "segregation.recused",
            f"You are recused from {change.key}, so you cannot decide it.",
            remedy="Another member of the board decides.",
            blocked_by=Ref.of(change),
            status=403,
        )
    if actor.user_id in queries.contributors(change):
        refuse(
            "segregation.contributor",
            f"You contributed to {change.key}, so you cannot decide it.",
            remedy="Another member of the board decides.",
            blocked_by=Ref.of(change),
            status=403,
        )
    free = queries.may_cast_for(change, actor.user_id)
    if on_behalf_of:
        principal = get_user_model().objects.filter(email__iexact=on_behalf_of.strip()).first()
        if principal is None or principal.pk not in free:
            refuse("vote.not_deputy", "You may not vote in that person's place now.", field="on_behalf_of")
        return principal.pk
    if actor.user_id in free:
        return actor.user_id
    used = {u for v in queries.votes_now(change) for u in (v.voter_id, v.cast_by_id)}
    if actor.user_id in used:
        refuse(
            "vote.cast",
            f"You have voted on revision {change.revision} of {change.key}.",
            remedy="A vote is final for its revision.",
        )
    refuse(
        "vote.no_seat", f"You have no vote on {change.board}.", blocked_by=Ref.of(change.board), status=403
    )


@action("change.withdraw", on=ChangeRequest, requires="changes.author", machine=CHANGE_STATES)
def withdraw(
    actor: Actor, change: ChangeRequest, *, reason: Annotated[str, Field("Reason", long=True)]
) -> ChangeRequest:
    """Take the request back into draft; votes cast so far are void."""
    raise_revision(change, "withdrawn")
    change.state = State.DRAFT
    change.save()
    return change


@action("change.reopen", on=ChangeRequest, requires="changes.author", machine=CHANGE_STATES)
def reopen(
    actor: Actor, change: ChangeRequest, *, reason: Annotated[str, Field("What will be different", long=True)]
) -> ChangeRequest:
    """Take a rejected request back into draft, to amend it and ask again."""
    raise_revision(change, "reopened after rejection")
    change.state = State.DRAFT
    change.save()
    return change


@action("change.schedule", on=ChangeRequest, requires="changes.author", machine=CHANGE_STATES)
def schedule(actor: Actor, change: ChangeRequest) -> ChangeRequest:
    """Put the approved change on the calendar, in its approved window."""
    return change


@action("change.start", on=ChangeRequest, requires="releases.manage", machine=CHANGE_STATES)
def start(actor: Actor, change: ChangeRequest) -> ChangeRequest:
    """Begin implementing. Outside the approved window this is refused."""
    moment = now()
    if (
        change.window_starts
        and not change.window_starts <= moment < change.window_ends
        and change.type != ChangeRequest.Type.EMERGENCY
    ):
        refuse(
            "change.outside_window",
            f"The window of {change.key} is {change.window_starts:%d %b %H:%M} to {change.window_ends:%d %b %H:%M} UTC.",
            remedy="Wait for it, or edit the window and have it approved.",
            blocked_by=Ref.of(change),
        )
    return change


@action("change.complete", on=ChangeRequest, requires="releases.manage", machine=CHANGE_STATES)
def complete(
    actor: Actor,
    change: ChangeRequest,
    *,
    outcome: Annotated[ChangeRequest.Outcome, Field("Outcome")],
    note: Annotated[str, Field("Note", long=True)] = "",
) -> ChangeRequest:
    """Say how the implementation ended."""
    change.outcome, change.closing_note, change.completed_at = outcome, note, now()
    return change


@action("change.close", on=ChangeRequest, requires="changes.chair", machine=CHANGE_STATES)
def close(actor: Actor, change: ChangeRequest) -> ChangeRequest:
    """Close the change after its outcome is recorded."""
    return change


@action(
    "change.cancel",
    on=ChangeRequest,
    requires="changes.author",
    machine=CHANGE_STATES,
    danger=True,
    confirm="The change will not be implemented.",
)
def cancel(
    actor: Actor, change: ChangeRequest, *, reason: Annotated[str, Field("Reason", long=True)]
) -> ChangeRequest:
    """Give the change up."""
    change.closing_note = reason
    return change


@action("condition.meet", on=Condition, requires="changes.author")
def meet_condition(
    actor: Actor, condition: Condition, *, evidence: Annotated[str, Field("Evidence", long=True)]
) -> Condition:
    """Show that a condition of the approval is met."""
    if condition.met_at:
        refuse("condition.met", "This condition is met already.")
    if not evidence.strip():
        refuse("required", "Name the evidence.", field="evidence")
    condition.met_at, condition.met_by_id, condition.evidence = now(), actor.user_id, evidence
    condition.save()
    return condition
