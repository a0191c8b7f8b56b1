"""Verbs of retention: policies, legal holds, and disposal approved by two people of different roles."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from governance.disposing import lock_retention, propose
from governance.models import Disposal, LegalHold, RecordType, RetentionPolicy
from governance.states.controls import DISPOSAL_STATES
from releasetrain.audit.doorway import action, explain_constraint, register_guard
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, Refusal, refuse
from releasetrain.tenancy.tasks import enqueue
from trains.models import Release, Service, Train

explain_constraint("retention_policy_once", "There is a policy for exactly this already; retire it first.")
explain_constraint("disposal_approved_by_two_people", "The second approval comes from another person.")
explain_constraint("disposal_not_approved_by_proposer", "Whoever proposed a disposal does not approve it.")

Days = Annotated[int, Field("Days kept", help="At most 36500, a hundred years.", min=1, max=36500)]


@action("retention_policy.create", creates=RetentionPolicy, requires="controls.manage")
def create_policy(
    actor: Actor,
    *,
    record_type: Annotated[RecordType, Field("Type of record")],
    keep_days: Days,
    reason: Annotated[str, Field("Reason", help="The rule or the need behind it.", long=True)],
    clock: Annotated[RetentionPolicy.Clock, Field("Counted from")] = RetentionPolicy.Clock.RECEIVED,
    framework: Annotated[str, Field("Framework", help="The short name of a catalogue.", max_length=60)] = "",
    jurisdiction: Annotated[
        str, Field("Jurisdiction", help="Like EU. Empty: everywhere.", max_length=60)
    ] = "",
    regulated_only: Annotated[bool, Field("Only records of regulated services")] = False,
) -> RetentionPolicy:
    """Say how long records are kept. Of all policies that apply the longest wins; without one nothing is disposed of."""
    return RetentionPolicy.objects.create(
        record_type=record_type,
        keep_days=keep_days,
        reason=reason,
        clock=clock,
        framework=framework,
        jurisdiction=jurisdiction,
        regulated_only=regulated_only,
    )


@action("retention_policy.retire", on=RetentionPolicy, requires="controls.manage", danger=True)
def retire_policy(
    actor: Actor, policy: RetentionPolicy, *, reason: Annotated[str, Field("Reason", long=True)]
) -> RetentionPolicy:
    """Apply the policy no longer."""
    if policy.retired_at:
        refuse("retention_policy.retired", "It is retired already.")
    policy.retired_at = now()
    policy.save()
    return policy


@action("legal_hold.place", creates=LegalHold, requires="controls.manage", label="Place a hold")
def place_hold(
    actor: Actor,
    *,
    title: Annotated[str, Field("Title", max_length=200)],
    reason: Annotated[str, Field("Matter", help="Proceedings, an investigation, a request.", long=True)],
    record_type: Annotated[RecordType | None, Field("Type of record", help="Empty: every type.")] = None,
    train: Train | None = None,
    service: Service | None = None,
    release: Release | None = None,
    starts: Annotated[date | None, Field("Records from")] = None,
    ends: Annotated[date | None, Field("Records before")] = None,
) -> LegalHold:
    """Keep whatever this covers from disposal, from this moment on. What is left empty bounds nothing."""
    if actor.user_id is None:
        refuse("hold.person", "A hold is placed by a person.", status=403)
    if starts and ends and ends <= starts:
        refuse("hold.period", "The period ends before it begins.", field="ends", status=422)
    lock_retention()
    return LegalHold.objects.create(
        title=title,
        reason=reason,
        record_type=record_type or "",
        train=train,
        service=service,
        release=release,
        starts=starts,
        ends=ends,
        placed_by_id=actor.user_id,
    )


@action(
    "legal_hold.lift",
    on=LegalHold,
    requires="controls.manage",
    danger=True,
    step_up=True,
    confirm="What it covers may be proposed for disposal again.",
)
def lift_hold(
    actor: Actor, hold: LegalHold, *, reason: Annotated[str, Field("Reason", long=True)]
) -> LegalHold:
    """Lift a hold. Somebody other than whoever placed it does."""
    if hold.lifted_at:
        refuse("hold.lifted", f"{hold} is lifted already.")
    if actor.user_id is None or hold.placed_by_id in (actor.user_id, actor.on_behalf_of):
        refuse(
            "hold.own",
            "Whoever placed a hold does not lift it.",
            remedy="Another person who manages controls can.",
            status=403,
        )
    hold.lifted_at = now()
    hold.lifted_by_id = actor.user_id
    hold.lifted_because = reason
    hold.save()
    return hold


@action("disposal.propose", creates=Disposal, requires="controls.manage", label="Propose a disposal")
def propose_disposal(
    actor: Actor, *, record_type: Annotated[RecordType, Field("Type of record")]
) -> Disposal:
    """Propose what is past its retention and under no hold. A worker does so every day by itself."""
    disposal = propose(record_type, actor.user_id)
    if disposal is None:
        refuse(
            "disposal.nothing",
            f"No {RecordType(record_type).label.lower()} may be disposed of now.",
            remedy="Without a policy, before its end, or under a hold, everything stays.",
        )
    return disposal


@action(
    "disposal.approve",
    on=Disposal,
    requires="controls.manage",
    machine=DISPOSAL_STATES,
    step_up=True,
    label="Approve first",
    confirm="A second person has to approve before anything is removed.",
)
def approve_disposal(
    actor: Actor, disposal: Disposal, *, decision: Annotated[str, Field("Why it may go", long=True)]
) -> Disposal:
    """Approve as the first of two, for whoever manages controls."""
    if disposal.first_by_id:
        refuse("disposal.approved", f"{disposal} has its first approval.", blocked_by=Ref.of(disposal))
    disposal.first_by_id = actor.user_id
    disposal.first_at = now()
    disposal.decision = decision
    disposal.save()
    return disposal


@action(
    "disposal.countersign",
    on=Disposal,
    requires="organization.manage",
    machine=DISPOSAL_STATES,
    step_up=True,
    danger=True,
    confirm="A worker then removes the bytes of these files for good. Their digests stay.",
)
def countersign_disposal(
    actor: Actor, disposal: Disposal, *, decision: Annotated[str, Field("Why it may go", long=True)]
) -> Disposal:
    """Approve as the second of two, for an owner of the organization; a worker then executes it."""
    if not disposal.first_by_id:
        refuse(
            "disposal.first",
            "The first approval is missing.",
            remedy="Whoever manages controls approves first.",
            blocked_by=Ref.of(disposal),
        )
    from governance.tasks.retention import dispose

    disposal.second_by_id = actor.user_id
    disposal.second_at = now()
    disposal.decision = "\n".join((disposal.decision, decision))
    enqueue(dispose, disposal.organization_id, disposal.pk)
    return disposal


@action("disposal.reject", on=Disposal, requires="controls.manage", machine=DISPOSAL_STATES)
def reject_disposal(
    actor: Actor, disposal: Disposal, *, reason: Annotated[str, Field("Reason", long=True)]
) -> Disposal:
    """Let everything in it stay. What is still past its retention is proposed again later."""
    disposal.decision = "\n".join(filter(None, (disposal.decision, f"Rejected: {reason}")))
    return disposal


def _another_person(actor: Actor, disposal: Disposal, params: object) -> Refusal | None:
    """Two people, neither of whom proposed it, and nobody in another's place."""
    if actor.kind != "person" or actor.user_id is None or actor.on_behalf_of:
        return Refusal(
            "disposal.person", "A disposal is approved by people, each for themselves.", status=403
        )
    if actor.user_id == disposal.proposed_by_id:
        return Refusal(
            "disposal.own", "You proposed it, so others approve.", blocked_by=Ref.of(disposal), status=403
        )
    if actor.user_id == disposal.first_by_id:
        return Refusal(
            "disposal.twice",
            "You approved it first, so the second approval comes from another person.",
            blocked_by=Ref.of(disposal),
            status=403,
        )
    return None


for _verb in ("approve", "countersign"):
    register_guard(f"disposal.{_verb}", _another_person)
