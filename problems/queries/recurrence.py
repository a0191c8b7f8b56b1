"""Recurrence as the rules see it: windows and incidents as plain values."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from problems.models import Incident, ObservationWindow, Problem, ProblemIncident
from problems.rules.recurrence import Signal, Standing, Watch, standing
from trains.models import Deployment


def watch_of(window: ObservationWindow) -> Watch:
    return Watch(
        starts=window.starts,
        ends=window.ends,
        service=window.problem.service_id,
        fingerprint=window.fingerprint,
        threshold=window.threshold,
        min_exposure=window.min_exposure,
    )


def candidates(window: ObservationWindow) -> QuerySet[Incident]:
    """Incidents that may count for a window; the rule decides."""
    linked = ProblemIncident.objects.filter(problem_id=window.problem_id, incident=OuterRef("pk"))
    rows = Incident.objects.filter(detected_at__gte=window.starts).annotate(said=Exists(linked))
    kind = (
        Q(fingerprint=window.fingerprint)
        if window.fingerprint
        else Q(services__service_id=window.problem.service_id)
    )
    return rows.filter(Q(said=True) | kind).prefetch_related("services").distinct()


def signals(incidents: Iterable[Incident]) -> list[Signal]:
    return [
        Signal(
            id=each.pk,
            began_at=each.began_at,
            fingerprint=each.fingerprint,
            services=frozenset(s.service_id for s in each.services.all()),
            linked=bool(getattr(each, "said", False)),
        )
        for each in incidents
    ]


def standing_of(window: ObservationWindow, at: datetime) -> Standing:
    """What the window says at the moment."""
    live = window.deployment.state == Deployment.State.SUCCEEDED
    return standing(
        watch_of(window),
        signals(candidates(window)),
        at=at,
        exposure=window.exposure,
        exposure_unit=window.exposure_unit,
        fix_live=live,
    )


def running_window(problem: Problem) -> ObservationWindow | None:
    rows = problem.windows.filter(state=ObservationWindow.State.RUNNING)
    return rows.select_related("problem", "deployment").first()


def last_window(problem: Problem) -> ObservationWindow | None:
    """The window that says whether the problem may be closed."""
    return (
        problem.windows.select_related("problem", "deployment", "breached_by")
        .order_by("-starts", "-id")
        .first()
    )
