"""The states of a place in a queue."""

from __future__ import annotations

from governance.models import DeploymentTurn
from releasetrain.kernel.states import StateMachine, Transition

_S = DeploymentTurn.State

TURN_STATES = StateMachine(
    initial=_S.WAITING,
    transitions=[Transition("deployment_turn.leave", _S.WAITING, _S.LEFT)],
)
