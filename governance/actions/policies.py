"""Writes of the approval policy: versions, and the human look at what it approved."""

from __future__ import annotations

import secrets
from typing import Annotated

from governance.models import ApprovalPolicy, Board, ChangeRequest, PolicyDecision
from governance.queries import changes as queries
from governance.queries.risk import policy_in_force, questionnaire
from governance.rules import policies as policy_rules
from governance.rules import risk
from governance.states.changes import CHANGE_STATES
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, Refusal, Refused, refuse

from .deciding import apply_policy


@action(
    "approval_policy.publish", creates=ApprovalPolicy, requires="changes.chair", hidden=True, step_up=True
)
def publish_policy(
    actor: Actor,
    *,
    note: Annotated[str, Field("What changes and why", max_length=200)],
    rules: Annotated[
        list | None,
        Field(
            "Rules",
            help="In order, each with name, when, route (policy or board), board and sample in percent.",
        ),
    ] = None,
    questions: Annotated[
        list | None, Field("Questionnaire", help="Each with key, text, weight and answers. Empty: as it is.")
    ] = None,
    bands: Annotated[
        dict | None,
        Field("Bands", help='From which percentage on: {"medium": 30, "high": 60}. Empty: as they are.'),
    ] = None,
) -> ApprovalPolicy:
    """Publish a version of the approval policy: who must approve what, and how risk is asked for."""
    last = policy_in_force()
    in_force, bands_in_force = questionnaire(last)
    chosen = rules if rules is not None else (last.rules if last else policy_rules.STANDARD_RULES)
    asked = questions if questions is not None else in_force
    split = bands if bands is not None else bands_in_force
    wrong = [
        Refusal("policy.rules", fault, field="rules", status=422)
        for fault in policy_rules.faults(chosen, list(Board.objects.values_list("name", flat=True)))
    ]
    wrong += [
        Refusal("policy.questions", fault, field="questions", status=422)
        for fault in risk.faults(asked, split)
    ]
    if wrong:
        raise Refused(*wrong)
    if actor.user_id is None:
        refuse("policy.author", "A policy is published by a person.", status=403)
    return ApprovalPolicy.objects.create(
        number=(last.number if last else 0) + 1,
        questions=asked,
        bands=split,
        rules=chosen,
        seed=secrets.token_hex(16),
        note=note,
        published_by_id=actor.user_id,
    )


@action("policy_decision.review", on=PolicyDecision, requires="changes.vote")
def review_decision(
    actor: Actor,
    decision: PolicyDecision,
    *,
    agree: Annotated[bool, Field("I would have approved it, too")],
    note: Annotated[str, Field("What you looked at", long=True, max_length=2_000)],
) -> PolicyDecision:
    """Look again at what the policy approved. An objection takes an approval back that was not used yet."""
    if decision.outcome != PolicyDecision.Outcome.APPROVED:
        refuse("policy.nothing_approved", "A board decided this change; there is nothing to look at again.")
    if decision.review:
        refuse("policy.reviewed", f"{decision.reviewed_by} has looked at it already.")
    if not note.strip():
        refuse("required", "Say what you looked at.", field="note")
    if actor.user_id is None or actor.user_id in queries.barred(decision.change):
        refuse(
            "segregation.contributor",
            f"You contributed to {decision.change.key}, so another person looks at it.",
            blocked_by=Ref.of(decision.change),
            status=403,
        )
    decision.review = PolicyDecision.Review.AGREED if agree else PolicyDecision.Review.OBJECTED
    decision.reviewed_by_id, decision.reviewed_at, decision.review_note = actor.user_id, now(), note.strip()
    decision.save()
    if not agree:
        system = Actor.system(
            actor.organization_id, f"{actor.name} objected to an approval by policy", route="rule"
        )
        change = ChangeRequest.objects.select_for_update().get(pk=decision.change_id)
        if change.revision == decision.revision and change.state in (
            ChangeRequest.State.APPROVED,
            ChangeRequest.State.SCHEDULED,
        ):
            hand_to_board(system, change, reason=f"{actor.name} objected to its approval by policy")
    return decision


@action("change.hand_to_board", on=ChangeRequest, requires="changes.chair", hidden=True)
def hand_to_board(
    actor: Actor, change: ChangeRequest, *, reason: Annotated[str, Field("Reason", long=True, max_length=150)]
) -> ChangeRequest:
    """Take back an approval that was given without people: its board decides."""
    from .deciding import raise_revision

    raise_revision(change, reason)
    change.board_only = True
    change.save()
    return change


@action("change.ask_policy", on=ChangeRequest, requires="changes.chair", machine=CHANGE_STATES)
def ask_policy(actor: Actor, change: ChangeRequest) -> ChangeRequest:
    """Ask the approval policy again, after the gate has looked; what it may not approve stays with its board."""
    apply_policy(actor, change)
    return change
