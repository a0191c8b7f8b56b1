"""The faces of problems: lists, pages and API endpoints of each kind of object."""

from __future__ import annotations

from releasetrain.interface.resources import Filter, Related, Resource, register

from .actions.debt import backlog_items
from .models import (
    FailureLink,
    Incident,
    IncidentService,
    ObservationWindow,
    Problem,
    ProblemFix,
    ProblemIncident,
    RootCause,
)
from .pages.incident import incident_page
from .pages.problem import problem_page

_OPEN_INCIDENT = (Incident.State.DETECTED, Incident.State.MITIGATED)

register(
    Resource(
        Incident,
        plural="incidents",
        section="incidents",
        icon="alert",
        columns=("key", "title", "severity", "state", "detected_at", "resolved_at", "fingerprint"),
        filters=(
            Filter(
                "open",
                "Open",
                lambda rows, value: (
                    rows.filter(state__in=_OPEN_INCIDENT)
                    if value == "yes"
                    else rows.exclude(state__in=_OPEN_INCIDENT)
                ),
                (("yes", "Open"), ("no", "Over")),
            ),
            "state",
            "severity",
            "category",
        ),
        search=("key", "title", "fingerprint", "external_id"),
        order=("-detected_at", "-id"),
        template="problems/incident.html",
        context=incident_page,
    )
)
register(
    Resource(
        IncidentService,
        plural="incident-services",
        section="incidents",
        columns=("incident", "service"),
        filters=("service",),
        order=("-created_at", "-id"),
    )
)
register(
    Resource(
        FailureLink,
        plural="failure-links",
        section="incidents",
        columns=("incident", "deployment", "kind", "status", "decided_at"),
        filters=("kind", "status"),
        order=("-created_at", "-id"),
        part_of=lambda part: part.incident,
        select=("deployment__service", "deployment__environment"),
    )
)
register(
    Resource(
        Problem,
        plural="problems",
        section="problems",
        icon="problem",
        columns=("key", "title", "service", "severity", "state", "category", "reopened_count", "owner"),
        filters=("state", "severity", "category", "service"),
        search=("key", "title", "fingerprint", "workaround"),
        order=("severity", "-created_at", "-id"),
        template="problems/problem.html",
        context=problem_page,
        related=(Related("Backlog items", backlog_items),),
    )
)
register(
    Resource(
        ProblemIncident,
        plural="problem-incidents",
        section="problems",
        columns=("problem", "incident"),
        order=("-created_at", "-id"),
        part_of=lambda part: part.problem,
    )
)
register(
    Resource(
        RootCause,
        plural="root-causes",
        section="problems",
        columns=("problem", "method", "category", "state", "author", "validator", "validated_at"),
        filters=("state", "method", "category"),
        search=("statement",),
        order=("-created_at", "-id"),
        part_of=lambda part: part.problem,
    )
)
register(
    Resource(
        ProblemFix,
        plural="problem-fixes",
        section="problems",
        columns=("problem", "release", "resolver", "withdrawn_at"),
        filters=("release",),
        order=("-created_at", "-id"),
        part_of=lambda part: part.problem,
    )
)
register(
    Resource(
        ObservationWindow,
        plural="observations",
        section="problems",
        columns=("problem", "deployment", "starts", "ends", "exposure", "min_exposure", "state"),
        filters=("state",),
        order=("-starts", "-id"),
        part_of=lambda part: part.problem,
        select=("deployment__service", "deployment__environment"),
    )
)
