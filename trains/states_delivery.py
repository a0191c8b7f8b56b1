"""State tables of delivery: rollback plans, failure drills, rollouts, deployment plans."""

from __future__ import annotations

from releasetrain.kernel.states import StateMachine, Transition

from .models import DeploymentPlan, FailureDrill, RollbackPlan, Rollout

_P = RollbackPlan.State
ROLLBACK_PLAN_STATES = StateMachine(
    initial=_P.DRAFT,
    transitions=[
        # What is changed has to be authorised anew.
        Transition("rollback_plan.edit", (_P.DRAFT, _P.AUTHORISED), _P.DRAFT),
        Transition("rollback_plan.add_step", (_P.DRAFT, _P.AUTHORISED), None),
        Transition("rollback_plan.remove_step", (_P.DRAFT, _P.AUTHORISED), _P.DRAFT),
        Transition("rollback_plan.authorise", _P.DRAFT, _P.AUTHORISED),
        Transition("rollback_plan.order", (_P.DRAFT, _P.AUTHORISED), _P.RUNNING),
        Transition("rollback_plan.trigger", _P.AUTHORISED, _P.RUNNING),
        Transition("rollback_plan.begin_step", _P.RUNNING, None),
        Transition("rollback_plan.settle_step", _P.RUNNING, None),
        Transition("rollback_plan.validate", _P.RUNNING, None),
        Transition("rollback_plan.retry_step", _P.RUNNING, None),
        Transition("rollback_plan.restore", _P.RUNNING, _P.RESTORED),
        Transition("rollback_plan.give_up", _P.RUNNING, _P.FAILED),
        Transition("rollback_plan.cancel", (_P.DRAFT, _P.AUTHORISED), _P.CANCELLED),
    ],
)

_D = FailureDrill.State
FAILURE_DRILL_STATES = StateMachine(
    initial=_D.PLANNED,
    transitions=[
        Transition("failure_drill.edit", _D.PLANNED, None),
        Transition("failure_drill.start", _D.PLANNED, _D.RUNNING),
        Transition("failure_drill.conclude", _D.RUNNING, None),
        Transition("failure_drill.rejudge", _D.FAILED, None),
        Transition("failure_drill.note_findings", (_D.RUNNING, _D.PASSED, _D.FAILED), None),
        Transition("failure_drill.cancel", (_D.PLANNED, _D.RUNNING), _D.CANCELLED),
    ],
)

_R = Rollout.State
_OPEN = (_R.RUNNING, _R.HELD)
ROLLOUT_STATES = StateMachine(
    initial=_R.PLANNED,
    transitions=[
        Transition("rollout.start", _R.PLANNED, _R.RUNNING),
        Transition("rollout.cancel", _R.PLANNED, _R.CANCELLED),
        Transition("rollout.hold", _OPEN, _R.HELD),
        Transition("rollout.resume", _R.HELD, None),
        Transition("rollout.advance", _OPEN, None),
        Transition("rollout.roll_back", _OPEN, _R.ROLLING_BACK),
        Transition("rollout.note_analysis", _OPEN, None),
        Transition("rollout.step_up", _R.RUNNING, None),
        Transition("rollout.halt", _OPEN, _R.HELD),
        Transition("rollout.go_on", _R.HELD, _R.RUNNING),
        Transition("rollout.go_back", _OPEN, _R.ROLLING_BACK),
        Transition("rollout.complete", _R.RUNNING, None),
    ],
)

_L = DeploymentPlan.State
DEPLOYMENT_PLAN_STATES = StateMachine(
    initial=_L.DRAFT,
    transitions=[
        Transition("deployment_plan.edit", _L.DRAFT, None),
        Transition("deployment_plan.add_step", _L.DRAFT, None),
        Transition("deployment_plan.set_steps", _L.DRAFT, None),
        Transition("deployment_plan.start", _L.DRAFT, _L.RUNNING),
        Transition("deployment_plan.claim", _L.RUNNING, None),
        Transition("deployment_plan.give_up", _L.RUNNING, _L.FAILED),
        Transition("deployment_plan.cancel", _L.DRAFT, _L.CANCELLED),
    ],
)
