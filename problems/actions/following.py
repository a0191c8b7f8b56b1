"""How problems follow deployments: fixes that went live are observed, late reports find their incidents."""

from __future__ import annotations

from typing import Any

from problems.models import Incident, ObservationWindow, ProblemFix
from problems.queries.recurrence import standing_of
from problems.rules.suspects import LOOK_BACK
from problems.states import PROBLEM_STATES
from releasetrain.audit import ledger
from releasetrain.audit.subscriptions import subscribe
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from trains.models import Deployment, Release
from trains.queries.deployments import undeployed_artifacts, without_trials

from .failure_links import propose_suspect
from .observation import settle, start_observation
from .problems import name_resolvers

_OUTCOMES_KEPT = 50


@subscribe(
    "deployment.record",
    "deployment.finish",
    "deployment.roll_back",
    name="problems.deployments",
    sift=without_trials,
)
def follow_deployment(entry: Any) -> None:
    """A production deployment may carry a fix, withdraw one, or explain an incident. Repeating it changes nothing."""
    if entry.subject_kind != "deployment":
        return
    rows = Deployment.objects.select_related("service", "environment", "release", "rolls_back")
    deployment = rows.filter(pk=entry.subject_id).first()
    if deployment is None or not deployment.environment.is_production:
        return
    system = Actor.system(entry.organization_id, f"follows {entry.verb}")
    _carries(system, deployment, entry.verb)
    _withdrawn(system, deployment)
    _explains(deployment)
    brings = deployment.state == Deployment.State.SUCCEEDED and deployment.kind != Deployment.Kind.ROLLBACK
    if brings and deployment.release is not None:
        _observe(system, deployment, deployment.release)


def _carries(system: Actor, deployment: Deployment, verb: str) -> None:
    """Known errors hear what became of each deployment of their fix; the log of the deployment names them.

    Said once for each outcome, however often the deployment is reported.
    """
    about = deployment.rolls_back if deployment.kind == Deployment.Kind.ROLLBACK else deployment
    if about is None or about.release_id is None:
        return
    fixes = ProblemFix.objects.filter(release=about.release_id, withdrawn_at__isnull=True)
    problems = [f.problem for f in fixes.select_related("problem").order_by("problem__key")]
    said = f"{about}: {about.get_state_display().lower()}"
    told = []
    for problem in problems:
        known = [o for o in problem.outcomes if o["deployment"] == str(about.pk)]
        if known and known[-1]["state"] == about.state:
            continue
        at = now().isoformat()
        row = {"deployment": str(about.pk), "state": about.state, "at": at, "sentence": said}
        problem.outcomes = [*problem.outcomes, row][-_OUTCOMES_KEPT:]
        problem.save()
        told.append(problem)
    if told:
        named = [{"id": str(p.pk), "key": p.key, "title": p.title, "state": p.state} for p in told]
        ledger.append(system, "deployment.carry_fixes", about, {"problems": named, "state": about.state})


def _withdrawn(system: Actor, deployment: Deployment) -> None:
    """A rollback of a fix that is being observed makes the observation void."""
    undone = [deployment.pk, deployment.rolls_back_id]
    rows = ObservationWindow.objects.filter(state=ObservationWindow.State.RUNNING, deployment__in=undone)
    for window in rows.select_related("problem", "deployment"):
        if standing_of(window, now()).settled:
            settle(system, window)


def _explains(deployment: Deployment) -> None:
    """The report of a deployment may come after the incident it caused."""
    live_at = deployment.finished_at or deployment.started_at
    rows = Incident.objects.filter(
        services__service_id=deployment.service_id,
        detected_at__gte=live_at,
        detected_at__lte=live_at + LOOK_BACK,
        failure_links__isnull=True,
    )
    for incident in rows.distinct():
        propose_suspect(incident, list(incident.services.values_list("service_id", flat=True)))


def _observe(system: Actor, deployment: Deployment, release: Release) -> None:
    """Start to observe every problem whose fix this deployment brought to production."""
    for fix in ProblemFix.objects.filter(release=release, withdrawn_at__isnull=True).select_related(
        "problem"
    ):
        problem = fix.problem
        own = problem.service_id == deployment.service_id
        carried = release.artifacts.filter(service_id=problem.service_id).exists()
        # Where the fix is in another service, it is live once everything of the release is.
        live = own or (not carried and not undeployed_artifacts(release))
        possible = PROBLEM_STATES.transition("problem.start_observation", problem.state)
        if live and possible and not problem.windows.filter(deployment=deployment).exists():
            start_observation(system, problem, deployment=deployment)


def name_resolvers_of_release(actor: Actor, subject: Any, params: dict[str, Any]) -> None:
    """A change written for a release names those who resolve its problems."""
    release = subject if isinstance(subject, Release) else getattr(subject, "release", None)
    if release is not None:
        name_resolvers(actor, release)
