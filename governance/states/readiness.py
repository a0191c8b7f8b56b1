"""What leads where: production readiness reviews and threat models."""

from governance.models import ReadinessReview, ThreatModel
from releasetrain.kernel.states import StateMachine, Transition

_R = ReadinessReview.State
READINESS_REVIEW_STATES = StateMachine(
    initial=_R.DRAFT,
    transitions=[
        Transition("readiness_review.answer", (_R.DRAFT, _R.REJECTED), _R.DRAFT),
        Transition("readiness_review.submit", _R.DRAFT, _R.SUBMITTED),
        Transition("readiness_review.sign_off", _R.SUBMITTED, _R.SIGNED_OFF),
        Transition("readiness_review.send_back", _R.SUBMITTED, _R.REJECTED),
    ],
)

_T = ThreatModel.State
THREAT_MODEL_STATES = StateMachine(
    initial=_T.DRAFT,
    transitions=[
        Transition("threat_model.edit", (_T.DRAFT, _T.IN_REVIEW, _T.APPROVED), _T.DRAFT),
        Transition("threat_model.add_threat", (_T.DRAFT, _T.IN_REVIEW, _T.APPROVED), _T.DRAFT),
        Transition("threat_model.submit", _T.DRAFT, _T.IN_REVIEW),
        Transition("threat_model.approve", _T.IN_REVIEW, _T.APPROVED),
        Transition("threat_model.send_back", _T.IN_REVIEW, _T.DRAFT),
        Transition("threat_model.retire", (_T.DRAFT, _T.IN_REVIEW, _T.APPROVED), _T.RETIRED),
    ],
)
