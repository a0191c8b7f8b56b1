"""Re-opening a problem: by a person who sees it, or by rule when it came back or lost its fix."""

from __future__ import annotations

from typing import Annotated

from governance.gates import invalidate
from problems.models import ObservationWindow, Problem
from problems.queries.recurrence import running_window
from problems.states import PROBLEM_STATES
from releasetrain.audit.doorway import Actor, Field, action
from releasetrain.kernel.clock import now

State = Problem.State


@action("problem.reopen", on=Problem, requires="problems.manage", machine=PROBLEM_STATES)
def reopen(actor: Actor, problem: Problem, *, reason: Annotated[str, Field("Reason", long=True)]) -> Problem:
    """The problem is there (again): back to investigation, or to the known errors if it has a workaround."""
    window = running_window(problem)
    if window is not None:
        window.state, window.settled_at = ObservationWindow.State.BREACHED, now()
        window.save()
    problem.state = State.KNOWN_ERROR if problem.workaround else State.INVESTIGATING
    problem.reopened_count += 1
    problem.reopened_at = now()
    problem.closed_at, problem.closed_by, problem.workaround_retired_at = None, None, None
    problem.save()
    for release_id in problem.fixes.values_list("release_id", flat=True):
        invalidate(release=release_id)
    return problem
