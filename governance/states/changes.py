"""State tables of changes and of board meetings."""

from governance.models import ChangeModel, ChangeRequest, Meeting
from releasetrain.kernel.states import StateMachine, Transition

C = ChangeRequest.State
UNASKED = (C.DRAFT, C.ASSESSED)
OPEN = (*UNASKED, C.AWAITING_APPROVAL, C.APPROVED, C.SCHEDULED)

CHANGE_STATES = StateMachine(
    initial=C.DRAFT,
    transitions=(
        Transition("change.edit", OPEN, None),
        Transition("change.add_contributor", OPEN, None),
        Transition("change.assess", UNASKED, C.ASSESSED),
        Transition("change.raise_risk", OPEN, None),
        Transition("change.submit", UNASKED, C.AWAITING_APPROVAL),
        Transition("change.withdraw", C.AWAITING_APPROVAL, None),
        Transition("change.vote", C.AWAITING_APPROVAL, None),
        Transition("change.recuse", OPEN, None),
        Transition("change.sign", C.AWAITING_APPROVAL, None),
        Transition("change.escalate", C.AWAITING_APPROVAL, None),
        Transition("change.void_votes", C.AWAITING_APPROVAL, None),
        Transition("change.ask_policy", C.AWAITING_APPROVAL, None),
        Transition("change.expire", (C.AWAITING_APPROVAL, C.APPROVED, C.SCHEDULED), None),
        Transition("change.schedule", C.APPROVED, C.SCHEDULED),
        Transition("change.start", (C.APPROVED, C.SCHEDULED), C.IMPLEMENTING),
        Transition("change.complete", C.IMPLEMENTING, C.COMPLETED),
        Transition("change.close", C.COMPLETED, C.CLOSED),
        Transition("change.cancel", (*OPEN, C.REJECTED, C.EXPIRED), C.CANCELLED),
        Transition("change.reopen", (C.REJECTED, C.EXPIRED), None),
    ),
)

P = ChangeModel.State
CHANGE_MODEL_STATES = StateMachine(
    initial=P.TRIAL,
    transitions=(
        Transition("change_model.edit", (P.TRIAL, P.PROPOSED, P.PRE_APPROVED, P.LOST), None),
        Transition("change_model.write_for", (P.TRIAL, P.PROPOSED, P.PRE_APPROVED, P.LOST), None),
        Transition("change_model.propose", (P.TRIAL, P.LOST), P.PROPOSED),
        Transition("change_model.pre_approve", P.PROPOSED, P.PRE_APPROVED),
        Transition("change_model.decline", P.PROPOSED, P.TRIAL),
        Transition("change_model.demote", (P.PRE_APPROVED, P.PROPOSED), P.LOST),
        Transition("change_model.retire", (P.TRIAL, P.PROPOSED, P.PRE_APPROVED, P.LOST), P.RETIRED),
    ),
)

M = Meeting.State
MEETING_STATES = StateMachine(
    initial=M.PLANNED,
    transitions=(
        Transition("meeting.open", M.PLANNED, M.RUNNING),
        Transition("meeting.next", M.RUNNING, None),
        Transition("meeting.more_time", M.RUNNING, None),
        Transition("meeting.attend", (M.PLANNED, M.RUNNING), None),
        Transition("meeting.add_action", (M.RUNNING, M.CLOSED), None),
        Transition("meeting.take_note", M.RUNNING, None),
        Transition("meeting.edit_minutes", M.CLOSED, None),
        Transition("meeting.close", M.RUNNING, M.CLOSED),
    ),
)
