"""Verbs of observation: what happens after a fix went live until its problem may be closed."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from problems.models import ObservationWindow, Problem
from problems.queries.recurrence import standing_of
from problems.rules.recurrence import BREACHED, PASSED, VOID
from problems.states import PROBLEM_STATES, WINDOW_STATES
from releasetrain.audit.doorway import Actor, Field, Ref, action, explain_constraint
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import Deployment, Environment

from .as_system import as_system
from .breaching import roll_back_fix
from .reopening import reopen
from .success import measure_all

State = ObservationWindow.State

explain_constraint("observation_one_running", "The problem is being observed already.")


def fix_deployments(problem: Problem) -> Any:
    """Production deployments, succeeded, of the releases that fix the problem."""
    rows = Deployment.objects.filter(
        environment__kind=Environment.Kind.PRODUCTION, state=Deployment.State.SUCCEEDED
    ).select_related("service", "environment", "release")
    fixing = problem.fixes.filter(withdrawn_at__isnull=True).values("release_id")
    # A rollback belongs to the release that it undoes.
    return rows.filter(release__in=fixing).exclude(kind=Deployment.Kind.ROLLBACK)


def _choice(actor: Actor, problem: Any) -> Any:
    rows = fix_deployments(problem) if problem is not None else Deployment.objects.none()
    return rows.order_by("-started_at")


@action("problem.start_observation", on=Problem, requires="problems.manage", machine=PROBLEM_STATES)
def start_observation(
    actor: Actor,
    problem: Problem,
    *,
    deployment: Annotated[
        Deployment,
        Field("Deployment of the fix", help="To production, of a release that fixes it.", rows=_choice),
    ],
) -> ObservationWindow:
    """Start to observe whether the problem comes back.

    The window starts with the fix's production deployment. It also starts by itself when that deployment is reported.
    """
    if not fix_deployments(problem).filter(pk=deployment.pk).exists():
        refuse(
            "observation.not_the_fix",
            f"{deployment} is no successful production deployment of a release that fixes {problem.key}.",
            remedy="Link the release that carries the fix, and deploy it.",
            blocked_by=Ref.of(deployment),
            field="deployment",
        )
    if problem.windows.filter(deployment=deployment).exists():
        refuse(
            "observation.again",
            f"{deployment} has been observed before.",
            remedy="A new observation needs a new deployment of the fix.",
            blocked_by=Ref.of(deployment),
        )
    starts = deployment.finished_at or deployment.started_at
    window = ObservationWindow.objects.create(
        problem=problem,
        deployment=deployment,
        starts=starts,
        ends=starts + timedelta(days=problem.observation_days),
        fingerprint=problem.fingerprint,
        threshold=problem.threshold,
        min_exposure=problem.min_exposure,
        exposure_unit=problem.exposure_unit,
    )
    return window


@action(
    "observation_window.report_exposure",
    on=ObservationWindow,
    requires="incidents.record",
    machine=WINDOW_STATES,
)
def report_exposure(
    actor: Actor,
    window: ObservationWindow,
    *,
    exposure: Annotated[int, Field("So far", help="How often, in all since the fix went live.", min=0)],
) -> ObservationWindow:
    """Report how often what failed has been exercised since the fix went live: the whole count, not the increase."""
    if exposure < window.exposure:
        refuse(
            "observation.less",
            f"{window.exposure} {window.exposure_unit} were reported before; the count does not fall.",
            field="exposure",
        )
    window.exposure = exposure
    window.save()
    return window


@action("observation_window.settle", on=ObservationWindow, requires="problems.manage", machine=WINDOW_STATES)
def settle(actor: Actor, window: ObservationWindow) -> ObservationWindow:
    """Say what the observation found: passed at its end, breached by recurrence, void when the fix was rolled back.

    It is settled by itself; this asks at once.
    """
    at = now()
    found = standing_of(window, at)
    if not found.settled:
        refuse("observation.running", found.sentence, remedy=f"It ends {window.ends:%Y-%m-%d %H:%M} UTC.")
    window.state, window.settled_at = found.state, at
    if found.state == BREACHED:
        window.breached_by_id = found.matches[-1]
    window.save()
    if found.state in (BREACHED, VOID) and window.problem.state in (
        Problem.State.OBSERVING,
        Problem.State.CLOSED,
    ):
        with as_system(actor, "observation settled") as system:
            if found.state == BREACHED and window.problem.rolls_back:
                roll_back_fix(system, window, found.sentence)
            reopen(system, window.problem, reason=found.sentence)
    elif found.state == PASSED:
        measure_all(window.problem)
    return window


def settle_due(actor: Actor) -> int:
    """Settle every running window whose time has come; returns how many were."""
    settled = 0
    rows = ObservationWindow.objects.filter(state=State.RUNNING).select_related("problem", "deployment")
    for window in rows.order_by("ends"):
        if standing_of(window, now()).settled:
            settle(actor, window)
            settled += 1
    return settled
