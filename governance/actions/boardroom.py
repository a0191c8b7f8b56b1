"""Writes around a decision: recusal, the problem manager's signature, escalation, expiry, reminders."""

from __future__ import annotations

from typing import Annotated

from django.contrib.auth import get_user_model

from governance.models import ChangeRequest, ChangeSignature, Recusal, Reminder
from governance.queries import changes as queries
from governance.queries.boardroom import due_now
from governance.states.changes import CHANGE_STATES
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, refuse

from .deciding import State, count_votes, escalate_to, go_further_up, raise_revision


@action("change.recuse", on=ChangeRequest, requires="changes.vote", machine=CHANGE_STATES)
def recuse(
    actor: Actor,
    change: ChangeRequest,
    *,
    reason: Annotated[str, Field("Reason", help="The conflict, in a sentence.", long=True, max_length=500)],
    person: Annotated[
        str | None,
        Field("Who", help="Empty: yourself. Only the chair recuses somebody else.", max_length=254),
    ] = None,
) -> Recusal:
    """Take no part in deciding this change. The quorum is counted again without you; it cannot be taken back."""
    user_id = actor.user_id
    if person:
        found = (
            get_user_model()
            .objects.filter(email__iexact=person.strip(), memberships__organization_id=actor.organization_id)
            .first()
        )
        if found is None:
            refuse("person.unknown", f"{person} is nobody in this organization.", field="person")
        user_id = found.pk
        if user_id != actor.user_id and not actor.may("changes.chair", change):
            refuse("recusal.other", "Only whoever runs the board recuses somebody else.", status=403)
    if user_id is None or actor.user_id is None:
        refuse("recusal.person", "A person is recused.", status=403)
    if not reason.strip():
        refuse("required", "Say what the conflict is.", field="reason")
    if not change.board.members.filter(user_id=user_id, removed_at__isnull=True).exists():
        refuse("vote.no_seat", f"They have no vote on {change.board}.", blocked_by=Ref.of(change.board))
    if user_id in queries.contributors(change):
        refuse("recusal.already", "Whoever contributed is recused already.")
    if change.recusals.filter(user_id=user_id).exists():
        refuse("recusal.already", "They are recused already.")
    if any(user_id in (v.voter_id, v.cast_by_id) for v in queries.votes_now(change)):
        refuse(
            "vote.cast",
            "They have voted on this revision.",
            remedy="A vote is final for its revision; the author may ask again.",
        )
    made = Recusal.objects.create(
        change=change, user_id=user_id, declared_by_id=actor.user_id, reason=reason.strip()
    )
    if change.state == State.AWAITING_APPROVAL:
        count_votes(actor, change)
    return made


@action(
    "change.sign",
    on=ChangeRequest,
    requires="problems.manage",
    machine=CHANGE_STATES,
    label="Sign as problem manager",
    step_up=True,
)
def sign(
    actor: Actor,
    change: ChangeRequest,
    *,
    agrees: Annotated[bool, Field("The fix addresses the root cause")],
    rationale: Annotated[str, Field("Rationale", long=True, max_length=5_000)],
) -> ChangeSignature:
    """Sign a high-impact fix beside the votes of the board; without it the fix is not approved."""
    if not change.joint:
        refuse("change.no_signature", f"{change.key} is decided by its board alone.")
    if actor.user_id is None or actor.user_id in queries.barred(change):
        refuse(
            "segregation.contributor",
            f"You contributed to {change.key} or are recused, so you do not sign it.",
            remedy="Another problem manager signs.",
            status=403,
        )
    known = queries.signature(change)
    if known is not None:
        refuse("change.signed", f"{known.user} has signed revision {change.revision}.")
    if not rationale.strip():
        refuse("required", "Say why.", field="rationale")
    made = ChangeSignature.objects.create(
        change=change,
        revision=change.revision,
        content_digest=change.content_digest,
        user_id=actor.user_id,
        agrees=agrees,
        rationale=rationale.strip(),
    )
    count_votes(actor, change)
    return made


@action("change.escalate", on=ChangeRequest, requires="changes.chair", machine=CHANGE_STATES)
def escalate(
    actor: Actor, change: ChangeRequest, *, reason: Annotated[str, Field("Reason", long=True, max_length=150)]
) -> ChangeRequest:
    """Hand the decision to the board above. Votes cast so far are void."""
    if escalate_to(change) is None:
        refuse(
            "board.nothing_above",
            f"{change.board} has no board above it.",
            remedy="Name one on the board.",
            blocked_by=Ref.of(change.board),
        )
    go_further_up(actor, change, reason)
    return change


@action(
    "change.void_votes",
    on=ChangeRequest,
    requires="changes.chair",
    machine=CHANGE_STATES,
    label="Ask the board again",
    danger=True,
    confirm="All votes on this revision are void; the board votes anew.",
    step_up=True,
)
def void_votes(
    actor: Actor, change: ChangeRequest, *, reason: Annotated[str, Field("Reason", long=True, max_length=150)]
) -> ChangeRequest:
    """Let no vote cast so far count, because one of them may not: the board is asked again, on a new revision."""
    if not queries.votes_now(change):
        refuse("change.no_votes", f"Nobody has voted on revision {change.revision} of {change.key}.")
    raise_revision(change, reason)
    change.save()
    return change


@action("change.expire", on=ChangeRequest, requires="changes.chair", machine=CHANGE_STATES, hidden=True)
def expire(actor: Actor, change: ChangeRequest) -> ChangeRequest:
    """What ran out of time: an undecided change goes further up or expires, an unused approval lapses."""
    moment = now()
    if change.state == State.AWAITING_APPROVAL:
        over = change.decide_by is not None and change.decide_by <= moment
        if over and escalate_to(change) is not None:
            go_further_up(actor, change, "its time to vote is over")
            return change
        why = "the time to vote is over and its board has not decided" if over else ""
    else:
        over = change.approval_ends_at is not None and change.approval_ends_at <= moment
        why = "its approval was not used in time" if over else ""
    if not over:
        refuse("change.not_over", f"The time of {change.key} is not over.", blocked_by=Ref.of(change))
    change.state = State.EXPIRED
    change.fell_because = f"Expired: {why}."
    change.approved_revision, change.approved_digest, change.approved_at = None, "", None
    change.approved_by, change.approval_ends_at = "", None
    change.save()
    return change


@action("reminder.send", creates=Reminder, requires="changes.chair", hidden=True)
def remind(actor: Actor) -> Reminder | None:
    """Remind everybody of what is due within a day, once for each occasion; settle what is done."""
    moment = now()
    due = {(d.user_id, d.occasion): d for d in due_now(moment)}
    known = set()
    for row in Reminder.objects.filter(settled_at__isnull=True):
        if (row.user_id, row.occasion) not in due:
            row.settled_at = moment
            row.save()
    known = set(Reminder.objects.filter(occasion__in={o for _, o in due}).values_list("user_id", "occasion"))
    made = None
    for key, each in due.items():
        if key not in known:
            made = Reminder.objects.create(
                user_id=each.user_id,
                kind=each.kind,
                change=each.change,
                meeting=each.meeting,
                sentence=each.sentence,
                due_at=each.due_at,
                occasion=each.occasion,
            )
    return made


@action("reminder.dismiss", on=Reminder, requires="organization.view")
def dismiss(actor: Actor, reminder: Reminder) -> Reminder:
    """Put a reminder away."""
    if reminder.user_id != actor.user_id:
        refuse("reminder.not_yours", "This reminder is somebody else's.", status=403)
    if reminder.settled_at:
        refuse("reminder.settled", "It is put away already.")
    reminder.settled_at = now()
    reminder.save()
    return reminder
