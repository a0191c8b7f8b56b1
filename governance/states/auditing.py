"""The states of populations and samples."""

from releasetrain.kernel.states import StateMachine, Transition

POPULATION_STATES = StateMachine(
    [
        Transition("population.reconcile", ["open"], None),
        Transition("population.explain", ["open"], None),
        Transition("population.freeze", ["open"], "frozen"),
        Transition("population.withdraw", ["open"], "withdrawn"),
    ],
    initial="open",
)
SAMPLE_STATES = StateMachine([Transition("sample.conclude", ["open"], "concluded")], initial="open")
AUDITOR_ACCESS_STATES = StateMachine(
    [
        Transition("auditor_access.admit", ["invited"], "active"),
        Transition("auditor_access.withdraw", ["invited", "active"], "withdrawn"),
        Transition("auditor_access.set_end", ["invited", "active"], None),
    ],
    initial="invited",
)
