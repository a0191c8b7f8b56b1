"""What settles a change: its content and revision, votes counted, approval by board or policy, escalation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from governance.models import (
    Board,
    ChangeModel,
    ChangeRequest,
    Evaluation,
    PolicyDecision,
)
from governance.ports import DueReview, joint_reason, require_review
from governance.queries import changes as queries
from governance.queries import policies
from governance.queries.collisions import meets
from governance.queries.risk import policy_in_force
from governance.rules.policies import POLICY, Facts, Route, barred, sampled
from releasetrain.audit.ledger import append
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from trains.models import Release

State = ChangeRequest.State

# What takes part in a vote may be asked for again within this time after an escalation.
LEAST_TIME_TO_VOTE = timedelta(hours=1)


def decided_jointly(change: ChangeRequest) -> bool:
    """Whether the problem manager signs besides the board: high-impact fixes, and what higher apps know of."""
    high = change.risk == ChangeRequest.Risk.HIGH and policies.fixes_problem(change)
    return high or bool(joint_reason(change))


def raise_revision(change: ChangeRequest, why: str) -> None:
    """A new revision: earlier votes no longer count, an approval falls."""
    if change.submitted_at and not change.joint:
        # What came in since may be a fix that the board does not decide alone.
        change.joint = decided_jointly(change)
    change.content, change.content_digest = queries.present_content(change)
    change.revision += 1
    if change.state in (State.APPROVED, State.SCHEDULED):
        change.fell_because = f"Approval fell: {why}."[:200]
        change.state = State.AWAITING_APPROVAL
        change.decide_by = _deadline(change.board)
    change.approved_revision, change.approved_digest, change.approved_at = None, "", None
    change.approved_by, change.approval_ends_at = "", None


def settle_content(change: ChangeRequest, why: str) -> bool:
    """Take the present content over; True when it differs and so became a new revision."""
    content, digest = queries.present_content(change)
    if digest == change.content_digest:
        return False
    if change.state in ChangeRequest.UNASKED:
        change.content, change.content_digest = content, digest
    else:
        raise_revision(change, why)
    return True


def _deadline(board: Board) -> Any:
    return now() + timedelta(hours=board.vote_hours) if board.vote_hours else None


def ask(actor: Actor, change: ChangeRequest) -> None:
    """Put the change before whoever decides it: the policy where it may, else its board, with its time to vote."""
    change.decide_by = _deadline(change.board)
    change.state = State.AWAITING_APPROVAL
    change.save()
    made = apply_policy(actor, change)
    if change.state == State.AWAITING_APPROVAL and made is not None and made.facts["gate"] == "pending":
        ask_gates(change)


def ask_gates(change: ChangeRequest) -> None:
    """Have the gates look again: a policy may approve what passes them."""
    from .gates import evaluate_gate

    system = Actor.system(change.organization_id, f"{change.key} was submitted", route="rule")
    subject = policies.subject_under_gates(change)
    if subject is None:
        return
    for gate in policies.gates_over(change, subject):
        if gate.current_version is not None:
            evaluate_gate(system, gate=gate, release=subject.release, artifact=subject.artifact)


def apply_policy(actor: Actor, change: ChangeRequest) -> PolicyDecision | None:
    """Approve by pre-approval or policy what they may approve; put on record by which rule, or why a board decides."""
    policy = policy_in_force()
    found, facts = policies.route_of(change, policy, collides=bool(meets(change).collisions))
    if policy is None:
        if not facts.pre_approved or barred(facts) or facts.collisions or change.board_only:
            return None
        found = Route(POLICY, f"Pre-approved by {change.model}"[:120], because=("its model is pre-approved",))
    known = change.policy_decisions.filter(revision=change.revision).order_by("-created_at").first()
    may = found.route == POLICY and not change.joint and not change.board_only
    if not may and known is not None:
        return known
    evaluation, _, gate_said = policies.gate_of(change, change.model.checks if change.model else None)
    made = _decision(change, policy, found, facts, evaluation if may else None, gate_said, may)
    if may:
        approve(actor, change, ChangeRequest.ApprovedBy.POLICY, {"rule": made.rule, "sampled": made.sampled})
    return made


def _decision(
    change: ChangeRequest,
    policy: Any,
    found: Route,
    facts: Facts,
    evaluation: Evaluation | None,
    gate_said: str,
    approved: bool,
) -> PolicyDecision:
    model: ChangeModel | None = change.model if facts.pre_approved else None
    reasons = [*found.because, *([found.barred] if found.barred else []), gate_said]
    reasons += [f"“{name}” did not fit: {why}" for name, why in found.passed_over]
    seed = policy.seed if policy else str(change.organization_id)
    percent = found.sample if policy else 10
    return PolicyDecision.objects.create(
        change=change,
        revision=change.revision,
        content_digest=change.content_digest,
        policy=policy,
        model=model,
        evaluation=evaluation,
        board=None if approved else change.board,
        rule=found.rule[:120],
        outcome=PolicyDecision.Outcome.APPROVED if approved else PolicyDecision.Outcome.ROUTED,
        reasons=reasons,
        facts=policies.said(facts),
        sampled=approved and sampled(seed, change.content_digest, percent),
    )


def approve(actor: Actor, change: ChangeRequest, by: str, more: dict[str, Any] | None = None) -> None:
    """The present content stands approved; the release follows, and an emergency gets its review."""
    moment = now()
    change.state = State.APPROVED
    change.approved_revision, change.approved_digest = change.revision, change.content_digest
    change.approved_at, change.approved_by = moment, by
    lapses = moment + timedelta(days=change.board.approval_days)
    change.approval_ends_at = min(lapses, change.window_ends) if change.window_ends else lapses
    if change.type == ChangeRequest.Type.EMERGENCY and change.window_ends and change.window_ends <= moment:
        change.approval_ends_at = lapses
    change.fell_because = ""
    change.save()
    said = {"revision": change.revision, "content_digest": change.content_digest, "by": by, **(more or {})}
    append(actor, "change.approved", change, said)
    emergency = (
        change.type == ChangeRequest.Type.EMERGENCY or change.board.kind == Board.Kind.ECAB
    ) and by == ChangeRequest.ApprovedBy.BOARD
    if emergency:
        require_review(
            actor,
            DueReview(
                f"{change.key} was approved as an emergency.",
                change,
                release=change.release,
                service=change.service,
            ),
        )
    release_follows(change)


def release_follows(change: ChangeRequest) -> None:
    """A ready release becomes approved with its change, by rule."""
    from trains.actions.releases import mark_approved

    release = change.release
    if release is not None and release.state == Release.State.READY:
        mark_approved(
            Actor.system(change.organization_id, f"{change.key} is approved", route="rule"), release
        )


def count_votes(actor: Actor, change: ChangeRequest) -> None:
    """Settle the change when its votes do. A tie, or a board that cannot decide any more, goes further up."""
    tally = queries.tally(change)
    if tally.outcome == "approved":
        approve(actor, change, ChangeRequest.ApprovedBy.BOARD)
    elif tally.outcome == "tied" and escalate_to(change):
        go_further_up(actor, change, "the votes are tied")
    elif tally.outcome in ("rejected", "tied"):
        refuse_change(actor, change)
    elif not tally.reachable and escalate_to(change):
        go_further_up(actor, change, "too few members are left to decide")


def refuse_change(actor: Actor, change: ChangeRequest) -> None:
    change.state = State.REJECTED
    change.save()
    said = {"revision": change.revision, "content_digest": change.content_digest}
    append(actor, "change.rejected", change, said)


def escalate_to(change: ChangeRequest) -> Board | None:
    """The board that decides where this one does not, if its members can."""
    board: Board | None = change.board.escalates_to
    return board


def go_further_up(actor: Actor, change: ChangeRequest, why: str) -> None:
    """The next board decides, on the same content; the votes of the first are void."""
    board = escalate_to(change)
    assert board is not None
    before = change.board
    change.board = board
    raise_revision(change, why)
    change.fell_because = f"{before} did not decide: {why}. {board} decides now."[:200]
    change.decide_by = (
        now() + max(timedelta(hours=board.vote_hours), LEAST_TIME_TO_VOTE) if board.vote_hours else None
    )
    change.save()
    append(actor, "change.escalated", change, {"from": before.name, "to": board.name, "why": why})
