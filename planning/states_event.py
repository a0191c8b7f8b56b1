"""State tables of planning events and what belongs to them: which verb leads where."""

from __future__ import annotations

from releasetrain.kernel.states import StateMachine, Transition

EVENT_STATES = StateMachine(
    initial="planned",
    transitions=(
        Transition("planning_event.start", "planned", "running"),
        Transition("planning_event.next", "running", None),
        Transition("planning_event.pause", "running", None),
        Transition("planning_event.resume", "running", None),
        Transition("planning_event.extend", "running", None),
        Transition("planning_event.end", "running", "ended"),
    ),
)
ROUND_STATES = StateMachine(
    initial="open",
    transitions=(
        Transition("confidence_round.close", "open", "closed"),
        Transition("confidence_round.cancel", "open", "cancelled"),
    ),
)
IMPEDIMENT_STATES = StateMachine(
    initial="raised",
    transitions=(
        Transition("impediment.take", ("raised", "working"), "working"),
        Transition("impediment.resolve", ("raised", "working"), "resolved"),
        Transition("impediment.drop", ("raised", "working"), "dropped"),
        Transition("impediment.reopen", ("resolved", "dropped"), "raised"),
    ),
)
RISK_STATES = StateMachine(
    field="roam",
    initial="open",
    transitions=(
        Transition("risk.own", ("open", "owned", "accepted", "mitigated"), "owned"),
        Transition("risk.accept", ("open", "owned", "accepted", "mitigated"), "accepted"),
        Transition("risk.mitigate", ("open", "owned", "accepted"), "mitigated"),
        Transition("risk.resolve", ("open", "owned", "accepted", "mitigated"), "resolved"),
        Transition("risk.reopen", ("resolved", "owned", "accepted", "mitigated"), "open"),
    ),
)
PLAN_CHANGE_STATES = StateMachine(
    initial="draft",
    transitions=(
        Transition("plan_change.bring_in", "draft", None),
        Transition("plan_change.take_out", "draft", None),
        Transition("plan_change.submit", "draft", "submitted"),
        Transition("plan_change.withdraw", ("draft", "submitted"), "withdrawn"),
        Transition("plan_change.accept", "submitted", "accepted"),
        Transition("plan_change.reject", "submitted", "rejected"),
    ),
)
ACTION_STATES = StateMachine(
    initial="open",
    transitions=(
        Transition("ceremony_action.finish", "open", "done"),
        Transition("ceremony_action.drop", "open", "dropped"),
        Transition("ceremony_action.reopen", ("done", "dropped"), "open"),
    ),
)
