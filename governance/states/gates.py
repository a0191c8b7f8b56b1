"""State machines of gates, waivers and findings."""

from __future__ import annotations

from governance.models import Finding, Gate, Waiver
from releasetrain.kernel.states import StateMachine, Transition

_GATE, _WAIVER, _FINDING = Gate.Mode, Waiver.State, Finding.State

GATE_MODES = StateMachine(
    field="mode",
    initial=_GATE.ACTIVE,
    transitions=[
        Transition("gate.bind", _GATE.SHADOW, _GATE.ACTIVE),
        Transition("gate.advise", _GATE.ACTIVE, _GATE.SHADOW),
        Transition("gate.retire", (_GATE.ACTIVE, _GATE.SHADOW), _GATE.RETIRED),
    ],
)

WAIVER_STATES = StateMachine(
    initial=_WAIVER.REQUESTED,
    transitions=[
        Transition("waiver.grant", _WAIVER.REQUESTED, _WAIVER.GRANTED),
        Transition("waiver.refuse", _WAIVER.REQUESTED, _WAIVER.REFUSED),
        Transition("waiver.revoke", (_WAIVER.REQUESTED, _WAIVER.GRANTED), _WAIVER.REVOKED),
    ],
)

# Fixed and reopened are also reached by scans (governance.scanning); people move the rest.
FINDING_STATES = StateMachine(
    initial=_FINDING.OPEN,
    transitions=[
        Transition("finding.triage", (_FINDING.OPEN, _FINDING.REOPENED), _FINDING.TRIAGED),
        Transition("finding.accept", (_FINDING.OPEN, _FINDING.TRIAGED, _FINDING.REOPENED), _FINDING.ACCEPTED),
        Transition(
            "finding.mark_false_positive",
            (_FINDING.OPEN, _FINDING.TRIAGED, _FINDING.REOPENED),
            _FINDING.FALSE_POSITIVE,
        ),
        Transition(
            "finding.reopen", (_FINDING.FALSE_POSITIVE, _FINDING.ACCEPTED, _FINDING.FIXED), _FINDING.REOPENED
        ),
    ],
)
