"""What a recurrence sets off beside the breach: the fix is rolled back where that was agreed, the problem re-opened."""

from __future__ import annotations

from problems.models import ObservationWindow, Problem, SignalReading
from releasetrain.audit.ledger import append
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from trains.actions.deployments import roll_back_deployment

from .reopening import reopen

_BACK = (Problem.State.OBSERVING, Problem.State.CLOSED)


def breached_by_reading(system: Actor, reading: SignalReading) -> None:
    """A signal crossed its threshold: its observation is breached, its problem open again."""
    signal, window = reading.signal, reading.window
    problem = signal.problem
    said = f"{signal.name} was {reading.value:g} at {reading.ends:%Y-%m-%d %H:%M} UTC: {signal.comparison} {signal.threshold:g}."
    if window is not None and window.state == ObservationWindow.State.RUNNING:
        window.state, window.settled_at, window.breach = ObservationWindow.State.BREACHED, now(), said[:200]
        window.save()
        if signal.rolls_back:
            roll_back_fix(system, window, said)
    problem.refresh_from_db()
    if problem.state in _BACK:
        reopen(system, problem, reason=said)


def roll_back_fix(system: Actor, window: ObservationWindow, because: str) -> None:
    """Order the rollback that was agreed before the fix went out; what stands against it is put on record."""
    deployment = window.deployment
    try:
        rollback = roll_back_deployment(
            system, deployment, reason=f"{window.problem.key} is back while its fix is observed: {because}"
        )
    except Refused as refused:
        sentence = " ".join(r.sentence for r in refused.refusals)
        append(
            system,
            "observation_window.no_rollback",
            window,
            {"deployment": str(deployment.pk), "refused": sentence},
        )
        return
    append(
        system,
        "observation_window.roll_back",
        window,
        {"deployment": str(deployment.pk), "rollback": str(rollback.pk), "because": because},
    )
