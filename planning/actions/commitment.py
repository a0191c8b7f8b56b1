"""Committing a Program Increment: the plan is checked, its baseline kept, its dependencies promised."""

from __future__ import annotations

from typing import Annotated

from planning.models import FeatureDependency, PlanBaseline
from planning.queries.board import load_board
from planning.queries.commitment import Finding, findings, plan_content
from releasetrain.audit.doorway import action
from releasetrain.audit.history import bulk_update_tracked
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.canonical import digest, plain
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Refusal, Refused
from trains.models import ProgramIncrement
from trains.states import INCREMENT_STATES


@action(
    "pi.commit",
    on=ProgramIncrement,
    requires="planning.commit",
    machine=INCREMENT_STATES,
    label="Commit the plan",
    confirm="The plan becomes the baseline that the Program Increment is measured against.",
)
def commit_increment(
    actor: Actor,
    pi: ProgramIncrement,
    *,
    accept: Annotated[
        bool,
        Field("Commit in spite of what speaks against it", "What is accepted is recorded with the baseline."),
    ] = False,
    reason: Annotated[str, Field("Reason for accepting it", long=True)] = "",
) -> ProgramIncrement:
    """Commit the plan. Overload, conflicts and low confidence need an accepted reason."""
    moment = now()
    board = load_board(pi, moment.date())
    against = findings(board)
    _judge(against, accept=accept, reason=reason)
    _promise(board.pi)
    # The baseline shows the dependencies as they are promised now.
    content = plain(plan_content(load_board(pi, moment.date())))
    PlanBaseline.objects.create(
        pi=pi,
        committed_at=moment,
        committed_by_id=actor.user_id,
        content=content,
        digest=digest(content),
        accepted=[{"code": f.code, "sentence": f.sentence} for f in against],
        reason=reason.strip() if against else "",
    )
    pi.committed_at, pi.committed_by_id = moment, actor.user_id
    return pi


def _judge(against: list[Finding], *, accept: bool, reason: str) -> None:
    hard = [f for f in against if f.hard]
    if hard:
        raise Refused(*[_refusal(f) for f in hard])
    if not against:
        return
    if not accept:
        raise Refused(*[_refusal(f) for f in against])
    if not reason.strip():
        raise Refused(
            Refusal(
                "plan.reason",
                f"{len(against)} finding(s) would be accepted without a reason.",
                remedy="Say why the plan is committed all the same.",
                field="reason",
                status=422,
            )
        )


def _refusal(finding: Finding) -> Refusal:
    remedy = finding.remedy if finding.hard else f"{finding.remedy} Or accept it with a reason."
    return Refusal(finding.code, finding.sentence, remedy=remedy, blocked_by=finding.ref)


def _promise(pi: ProgramIncrement) -> None:
    """Accepted dependencies between planned features are committed with the plan."""
    accepted = list(FeatureDependency.objects.filter(provider__pi=pi, consumer__pi=pi, state="accepted"))
    for dependency in accepted:
        dependency.state = "committed"
    bulk_update_tracked(accepted, ["state"])
