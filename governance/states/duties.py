"""State tables of the conflict matrix and of exceptions from it."""

from governance.models import DutyException, DutyMatrix
from releasetrain.kernel.states import StateMachine, Transition

M = DutyMatrix.State
DUTY_MATRIX_STATES = StateMachine(
    initial=M.PROPOSED,
    transitions=(
        Transition("duty_matrix.confirm", M.PROPOSED, M.IN_FORCE),
        Transition("duty_matrix.withdraw", M.PROPOSED, M.WITHDRAWN),
    ),
)

E = DutyException.State
DUTY_EXCEPTION_STATES = StateMachine(
    initial=E.REQUESTED,
    transitions=(
        Transition("duty_exception.grant", E.REQUESTED, E.GRANTED),
        Transition("duty_exception.refuse", E.REQUESTED, E.REFUSED),
        Transition("duty_exception.revoke", (E.REQUESTED, E.GRANTED), E.REVOKED),
    ),
)
