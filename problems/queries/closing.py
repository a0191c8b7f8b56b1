"""Why a problem cannot be closed yet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from problems.models import ObservationWindow, Problem
from problems.rules.recurrence import BREACHED, RUNNING, VOID
from releasetrain.kernel.refusals import Ref, Refusal

from .claims import validated_cause
from .recurrence import last_window, standing_of
from .success import measured

State = Problem.State


def obstacles(problem: Problem, at: datetime) -> Iterator[Refusal]:
    """Everything that stands in the way of closing it, whoever asks."""
    if problem.state == State.CLOSED:
        return
    live = problem.fixes.filter(withdrawn_at__isnull=True).exists()
    if validated_cause(problem) is None:
        yield Refusal(
            "problem.cause_open",
            "Its root cause is not validated.",
            remedy="Propose a root cause with evidence and have somebody else validate it.",
        )
    window = last_window(problem)
    if not live and window is None:
        yield Refusal(
            "problem.no_fix", "No release fixes it.", remedy="Link the release that carries the fix."
        )
    if window is None:
        yield Refusal(
            "problem.not_observed",
            "It has not been observed after a fix.",
            remedy="Observation starts by itself with the fix's production deployment.",
        )
        return
    refusal = _observation_says(window, at)
    if refusal is not None:
        yield refusal
    yield from _unmet(problem, window, at)


def _unmet(problem: Problem, window: ObservationWindow, at: datetime) -> Iterator[Refusal]:
    """Success criteria that are not met, measured at the moment; what cannot be told is not met."""
    for criterion in problem.criteria.filter(withdrawn_at__isnull=True).select_related("problem__service"):
        found = measured(criterion, window, at)
        if not found.met:
            yield Refusal(
                "problem.criterion",
                f"{criterion} is not met: {found.sentence}"
                if found.met is False
                else f"{criterion} cannot be told: {found.sentence}",
                remedy="Wait for more, fix it better, or have somebody who validates withdraw the criterion with a reason.",
                blocked_by=Ref.of(criterion),
            )


def _observation_says(window: ObservationWindow, at: datetime) -> Refusal | None:
    """What the last observation has against closing, or None when it passed."""
    found = standing_of(window, at) if window.state == ObservationWindow.State.RUNNING else None
    state = found.state if found else window.state
    if state == BREACHED:
        return Refusal(
            "problem.came_back",
            "It came back in its last observation.",
            remedy="Fix it again; the next production deployment of the fix is observed anew.",
            blocked_by=Ref.of(window.breached_by) if window.breached_by else Ref.of(window),
        )
    if state == VOID:
        return Refusal(
            "problem.fix_withdrawn",
            "The fix that was observed was rolled back.",
            remedy="Deploy the fix again; it is observed anew.",
            blocked_by=Ref.of(window),
        )
    if found is not None and state == RUNNING:
        return Refusal(
            "problem.observing",
            found.sentence,
            remedy=f"Wait for the end of the observation, {window.ends:%Y-%m-%d %H:%M} UTC."
            if at < window.ends
            else "Report how often the fix was exercised, or look at what the observation found.",
            blocked_by=Ref.of(window),
        )
    return None
