"""State tables of changes and of board meetings."""

from governance.models import ChangeRequest, Meeting
from releasetrain.kernel.states import StateMachine, Transition

C = ChangeRequest.State
OPEN = (C.DRAFT, C.AWAITING_APPROVAL, C.APPROVED, C.SCHEDULED)

CHANGE_STATES = StateMachine(
    initial=C.DRAFT,
    transitions=(
        Transition("change.edit", OPEN, None),
        Transition("change.add_contributor", OPEN, None),
        Transition("change.submit", C.DRAFT, C.AWAITING_APPROVAL),
        Transition("change.withdraw", C.AWAITING_APPROVAL, None),
        Transition("change.vote", C.AWAITING_APPROVAL, None),
        Transition("change.schedule", C.APPROVED, C.SCHEDULED),
        Transition("change.start", (C.APPROVED, C.SCHEDULED), C.IMPLEMENTING),
        Transition("change.complete", C.IMPLEMENTING, C.COMPLETED),
        Transition("change.close", C.COMPLETED, C.CLOSED),
        Transition("change.cancel", (*OPEN, C.REJECTED), C.CANCELLED),
        Transition("change.reopen", C.REJECTED, None),
    ),
)

M = Meeting.State
MEETING_STATES = StateMachine(
    initial=M.PLANNED,
    transitions=(
        Transition("meeting.open", M.PLANNED, M.RUNNING),
        Transition("meeting.next", M.RUNNING, None),
        Transition("meeting.close", M.RUNNING, M.CLOSED),
    ),
)
