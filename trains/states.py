"""What leads where: the state tables of releases, Program Increments, deployments and train dependencies."""

from __future__ import annotations

from releasetrain.kernel.states import StateMachine, Transition

from .models import Deployment, Escalation, ProgramIncrement, Release, TrainDependency

_R = Release.State
# The content of a release may change until it is approved; what that undoes is decided by the act itself.
_UNDEPLOYED = (_R.PLANNING, _R.SCOPED, _R.FROZEN, _R.READY, _R.APPROVED)

RELEASE_STATES = StateMachine(
    initial=_R.PLANNING,
    transitions=[
        Transition("release.edit", _UNDEPLOYED, None),
        Transition("release.add_item", _UNDEPLOYED, None),
        Transition("release.remove_item", _UNDEPLOYED, None),
        Transition("release.attach_artifact", _UNDEPLOYED, None),
        Transition("release.plan_window", _UNDEPLOYED, None),
        Transition("release.scope", _R.PLANNING, _R.SCOPED),
        Transition("release.freeze", _R.SCOPED, _R.FROZEN),
        Transition("release.mark_ready", _R.FROZEN, _R.READY),
        Transition("release.mark_approved", _R.READY, _R.APPROVED),
        Transition("release.withdraw_approval", _R.APPROVED, _R.READY),
        Transition("release.start_deploying", _R.APPROVED, _R.DEPLOYING),
        Transition("release.mark_released", _R.DEPLOYING, _R.RELEASED),
        Transition("release.close", (_R.RELEASED, _R.ROLLED_BACK), _R.CLOSED),
        Transition("release.cancel", _UNDEPLOYED, _R.CANCELLED),
        Transition("release.roll_back", (_R.DEPLOYING, _R.RELEASED), _R.ROLLED_BACK),
    ],
)

_P = ProgramIncrement.State
INCREMENT_STATES = StateMachine(
    initial=_P.DRAFT,
    transitions=[
        Transition("pi.open_planning", _P.DRAFT, _P.PLANNING),
        Transition("pi.commit", (_P.DRAFT, _P.PLANNING), _P.COMMITTED),
        Transition("pi.start", _P.COMMITTED, _P.ACTIVE),
        Transition("pi.close", _P.ACTIVE, _P.CLOSED),
    ],
)

_D = Deployment.State
DEPLOYMENT_STATES = StateMachine(
    initial=_D.RUNNING,
    transitions=[
        Transition("deployment.finish", _D.RUNNING, None),
        Transition("deployment.roll_back", (_D.RUNNING, _D.SUCCEEDED, _D.FAILED), None),
    ],
)

_T = TrainDependency.State
TRAIN_DEPENDENCY_STATES = StateMachine(
    initial=_T.PROPOSED,
    transitions=[
        Transition("train_dependency.assign", (_T.PROPOSED, _T.AGREED, _T.AT_RISK), None),
        Transition("train_dependency.agree", (_T.PROPOSED, _T.AT_RISK), _T.AGREED),
        Transition("train_dependency.put_at_risk", _T.AGREED, _T.AT_RISK),
        Transition("train_dependency.meet", (_T.AGREED, _T.AT_RISK), _T.MET),
        Transition("train_dependency.break", (_T.PROPOSED, _T.AGREED, _T.AT_RISK), _T.BROKEN),
    ],
)

_E = Escalation.State
ESCALATION_STATES = StateMachine(
    initial=_E.OPEN,
    transitions=[
        Transition("escalation.acknowledge", (_E.OPEN, _E.ACKNOWLEDGED), _E.ACKNOWLEDGED),
        Transition("escalation.climb", (_E.OPEN, _E.ACKNOWLEDGED), _E.OPEN),
        Transition("escalation.lapse", _E.ACKNOWLEDGED, _E.OPEN),
        Transition("escalation.note", (_E.OPEN, _E.ACKNOWLEDGED), None),
        Transition("escalation.resolve", (_E.OPEN, _E.ACKNOWLEDGED), _E.RESOLVED),
    ],
)
