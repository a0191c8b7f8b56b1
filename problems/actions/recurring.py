"""What an incident means for problems: it is grouped with its problem, breaches an observation, re-opens a problem."""

from __future__ import annotations

from collections.abc import Sequence

from problems.models import Incident, ObservationWindow, Problem, ProblemIncident
from problems.queries.recurrence import standing_of
from problems.rules.recurrence import BREACHED
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now

from .as_system import as_system
from .observation import settle
from .reopening import reopen


def follow(actor: Actor, incidents: Sequence[Incident]) -> None:
    """Group incidents with the problems of the same fingerprint, and act on those that came back."""
    marks = {i.fingerprint for i in incidents if i.fingerprint}
    problems = list(Problem.objects.filter(fingerprint__in=marks).exclude(fingerprint="").order_by("id"))
    with as_system(actor, "incident recurrence") as system:
        for problem in problems:
            same = [i for i in incidents if i.fingerprint == problem.fingerprint]
            for incident in same:
                ProblemIncident.objects.get_or_create(problem=problem, incident=incident)
            if problem.state == Problem.State.CLOSED:
                _reopen_closed(system, problem, same)
        _breach(system, incidents)


def _breach(system: Actor, incidents: Sequence[Incident]) -> None:
    """Settle the running windows that these incidents may have breached."""
    services = {s.service_id for i in incidents for s in i.services.all()}
    marks = {i.fingerprint for i in incidents if i.fingerprint}
    linked = set(ProblemIncident.objects.filter(incident__in=incidents).values_list("problem_id", flat=True))
    rows = ObservationWindow.objects.filter(state=ObservationWindow.State.RUNNING)
    for window in rows.select_related("problem", "deployment").order_by("id"):
        concerned = (
            window.problem_id in linked
            or (window.fingerprint and window.fingerprint in marks)
            or (not window.fingerprint and window.problem.service_id in services)
        )
        if concerned and standing_of(window, now()).state == BREACHED:
            settle(system, window)


def came_back_after(problem: Problem, incident: Incident) -> bool:
    """Whether the incident began after the problem was closed."""
    return problem.closed_at is not None and incident.began_at >= problem.closed_at


def _reopen_closed(system: Actor, problem: Problem, incidents: Sequence[Incident]) -> None:
    again = next((i for i in incidents if came_back_after(problem, i)), None)
    if again:
        reopen(system, problem, reason=f"{again.key} is the same again.")
