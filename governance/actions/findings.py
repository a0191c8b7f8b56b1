"""Verbs of findings: what people decide about them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from governance.models import Finding
from governance.states.gates import FINDING_STATES
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import refuse

LONGEST_ACCEPTANCE = timedelta(days=366)

Assessment = Annotated[str, Field("Assessment", help="What was found out, or what is being done.", long=True)]
Reason = Annotated[str, Field("Reason", long=True)]


@action("finding.triage", on=Finding, requires="findings.manage", machine=FINDING_STATES)
def triage(actor: Actor, finding: Finding, *, assessment: Assessment) -> Finding:
    """Say that somebody has looked and what is being done. It still counts at gates."""
    finding.assessment = assessment
    return finding


@action(
    "finding.accept",
    on=Finding,
    requires="findings.manage",
    machine=FINDING_STATES,
    label="Accept the risk",
    step_up=True,
)
def accept(
    actor: Actor,
    finding: Finding,
    *,
    reason: Reason,
    until: Annotated[datetime, Field("Accepted until", help="At most a year; then it counts again.")],
) -> Finding:
    """Accept the risk until a day. It does not count at gates until then."""
    moment = now()
    if until <= moment:
        refuse("finding.period", "The acceptance must end in the future.", field="until")
    if until > moment + LONGEST_ACCEPTANCE:
        refuse("finding.period", "A risk is accepted for at most a year.", field="until")
    finding.accepted_until = until
    finding.assessment = reason
    return finding


@action("finding.mark_false_positive", on=Finding, requires="findings.manage", machine=FINDING_STATES)
def mark_false_positive(actor: Actor, finding: Finding, *, reason: Reason) -> Finding:
    """Say that the tool is wrong. It does not count at gates."""
    finding.assessment = reason
    finding.accepted_until = None
    return finding


@action("finding.reopen", on=Finding, requires="findings.manage", machine=FINDING_STATES)
def reopen(actor: Actor, finding: Finding, *, reason: Reason) -> Finding:
    """Take back a decision: it counts at gates again."""
    finding.assessment = reason
    finding.accepted_until = None
    return finding
