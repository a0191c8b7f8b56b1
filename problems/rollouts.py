"""Why a rollout halts: problems of what it rolls out that are active or came back, and incidents that it is behind."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q

from problems.models import FailureLink, Incident, Problem
from problems.queries.claims import claimed_by, open_problems
from trains.models import Rollout
from trains.ports import Blocker, rollout_blockers

# Problems of this severity or worse halt a rollout of their service, whatever they are about.
SEVERE = 2


@rollout_blockers
def active_problems(rollout: Rollout) -> Iterator[Blocker]:
    """Severe open problems of the service, those that the release claims to fix and that came back, those behind
    incidents of this very deployment, and such incidents while they last."""
    claimed = {p.pk: p for p in claimed_by(rollout.release)} if rollout.release else {}
    for problem in open_problems([rollout.service_id], SEVERE):
        # A known error has its workaround; what the release is to fix does not stop its own fix.
        if problem.pk not in claimed and problem.state != Problem.State.KNOWN_ERROR:
            yield Blocker(f"{problem.key} of {rollout.service} is open: {problem.title}.", problem)
    for problem in claimed.values():
        back = rollout.started_at and problem.reopened_at and problem.reopened_at >= rollout.started_at
        if back and problem.is_open:
            yield Blocker(f"{problem.key}, which it is to fix, came back.", problem)
    yield from _of_the_deployment(rollout)


def _of_the_deployment(rollout: Rollout) -> Iterator[Blocker]:
    if rollout.deployment_id is None:
        return
    links = FailureLink.objects.filter(deployment=rollout.deployment_id).exclude(
        Q(status=FailureLink.Status.DISPUTED) | Q(kind=FailureLink.Kind.RECOVERED_BY)
    )
    ids = list(links.values_list("incident_id", flat=True))
    lasting = (Incident.State.DETECTED, Incident.State.MITIGATED)
    for incident in Incident.objects.filter(pk__in=ids, state__in=lasting).order_by("severity", "key"):
        yield Blocker(f"{incident.key} is not resolved: {incident.title}.", incident)
    behind = Problem.objects.filter(incidents__incident__in=ids).exclude(
        state__in=(Problem.State.OBSERVING, Problem.State.CLOSED)
    )
    for problem in behind.distinct().order_by("severity", "key"):
        yield Blocker(f"{problem.key} is behind an incident of this deployment: {problem.title}.", problem)
