"""The states an evidence package goes through by somebody's act; a worker does the rest (see `evidence.work`)."""

from releasetrain.kernel.states import StateMachine, Transition

EVIDENCE_STATES = StateMachine(
    [
        Transition("evidence_package.cancel", ["queued", "running"], "cancelled"),
        Transition("evidence_package.rebuild", ["failed", "cancelled"], "queued"),
        Transition("evidence_package.verify", ["done"], None),
    ],
    initial="queued",
)
