"""Success criteria measured: the time before the fix against that since, from incidents and measurements."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from problems.models import Incident, ObservationWindow, Problem, ProblemIncident, SuccessCriterion
from problems.rules import success as rules

from .measures import values_between


def incidents_of(problem: Problem, starts: datetime, ends: datetime) -> QuerySet[Incident]:
    """Incidents that count for the problem: linked to it, or of its fingerprint, or without one of its service."""
    linked = Exists(ProblemIncident.objects.filter(problem=problem, incident=OuterRef("pk")))
    kind = (
        Q(fingerprint=problem.fingerprint)
        if problem.fingerprint
        else Q(Exists(Incident.objects.filter(pk=OuterRef("pk"), services__service=problem.service_id)))
    )
    began = Q(started_at__gte=starts, started_at__lt=ends) | Q(
        started_at__isnull=True, detected_at__gte=starts, detected_at__lt=ends
    )
    return Incident.objects.filter(began).filter(Q(linked) | kind)


def measured(criterion: SuccessCriterion, window: ObservationWindow, at: datetime) -> rules.Measured:
    """What the criterion comes to at the moment."""
    problem = criterion.problem
    before, since = rules.spans(window.starts, window.ends, at, criterion.before_days)
    if criterion.measure == rules.INCIDENTS:
        counts = [incidents_of(problem, *span).count() for span in (before, since)]
        lengths = [until - start for start, until in (before, since)]
        return rules.incidents_a_week(counts[0], lengths[0], counts[1], lengths[1], criterion.target)
    if criterion.measure == rules.RESTORE:
        hours = [_hours(problem, *span) for span in (before, since)]
        return rules.hours_to_restore(hours[0], hours[1], criterion.target)
    values = [
        [v for _, v in values_between(problem.service, criterion.metric, *span)] for span in (before, since)
    ]
    return rules.metric(criterion.measure, values[0], values[1], criterion.target)


def _hours(problem: Problem, starts: datetime, ends: datetime) -> list[float]:
    """How long incidents of the service took to be restored: the service's, since the problem itself should be gone."""
    rows = Incident.objects.filter(
        services__service=problem.service_id,
        detected_at__gte=starts,
        detected_at__lt=ends,
        resolved_at__isnull=False,
    )
    return [(i.resolved_at - i.began_at).total_seconds() / 3600 for i in rows if i.resolved_at]
