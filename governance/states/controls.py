"""State tables of control assessments, disposals and versions of documents."""

from __future__ import annotations

from governance.models import ControlAssessment, Disposal, DocumentVersion
from releasetrain.kernel.states import StateMachine, Transition

_A, _D, _V = ControlAssessment.State, Disposal.State, DocumentVersion.State
_OPEN = (_A.SCHEDULED, _A.SAMPLED)

ASSESSMENT_STATES = StateMachine(
    initial=_A.SCHEDULED,
    transitions=[
        Transition("control_assessment.plan", _OPEN, None),
        Transition("control_assessment.draw", _A.SCHEDULED, _A.SAMPLED),
        Transition("control_assessment.mark", _A.SAMPLED, None),
        Transition("control_assessment.conclude", _OPEN, _A.CONCLUDED),
        Transition("control_assessment.cancel", _OPEN, _A.CANCELLED),
    ],
)

DISPOSAL_STATES = StateMachine(
    initial=_D.PROPOSED,
    transitions=[
        Transition("disposal.approve", _D.PROPOSED, None),
        Transition("disposal.countersign", _D.PROPOSED, _D.APPROVED),
        Transition("disposal.reject", (_D.PROPOSED, _D.APPROVED), _D.REJECTED),
    ],
)

VERSION_STATES = StateMachine(
    initial=_V.DRAFT,
    transitions=[
        Transition("document_version.approve", _V.DRAFT, _V.APPROVED),
        Transition("document_version.reject", _V.DRAFT, _V.REJECTED),
    ],
)
