"""The faces of problems: lists, pages and API endpoints of each kind of object."""

from __future__ import annotations

from typing import Any

from releasetrain.interface import links, navigation
from releasetrain.interface.navigation import Place
from releasetrain.interface.resources import Filter, Related, Resource, register

from .actions.debt import backlog_items
from .actions.incident_import import import_incidents
from .models import (
    Deviation,
    FailureLink,
    Incident,
    IncidentService,
    ObservationWindow,
    Problem,
    ProblemFix,
    ProblemIncident,
    ProblemPolicy,
    RecurrenceSignal,
    RootCause,
    SignalReading,
    SuccessCriterion,
    WindowProposal,
)
from .pages.incident import incident_page
from .pages.policy import policy_page
from .pages.problem import problem_page
from .pages.root_cause import root_cause_page
from .pages.window_proposal import proposal_page

for _place in (
    Place(
        "recurrence",
        "Recurrence",
        "history",
        "recurrence/",
        520,
        "Learn",
        "Recurring incidents and what ends them",
    ),
    Place("fix-analysis", "Fixes", "chart", "fix-analysis/", 530, "Learn", "Analysis of fixes"),
    Place("known-errors", "Known errors", "flag", "known-errors/", 540, "Learn"),
):
    navigation.register(_place)


def _importing(request: Any) -> dict[str, Any]:
    """What the list of incidents offers beside its verbs."""
    return {
        "import_decision": import_incidents.decide(request.actor),
        "import_url": f"{links.page_root()}incidents/import/",
    }


def _ways(request: Any) -> dict[str, Any]:
    """Where problems are looked at together."""
    root = links.page_root()
    return {"ways": [("Recurrence", f"{root}recurrence/"), ("Policy", f"{root}problem-policies/")]}


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
        list_template="problems/incidents.html",
        list_context=_importing,
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
        list_template="problems/problems.html",
        list_context=_ways,
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
        template="problems/root_cause.html",
        context=root_cause_page,
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
register(
    Resource(
        RecurrenceSignal,
        plural="recurrence-signals",
        section="problems",
        columns=("problem", "kind", "name", "comparison", "threshold", "minutes", "rolls_back", "retired_at"),
        filters=("kind", "rolls_back"),
        search=("name",),
        order=("-created_at", "-id"),
        part_of=lambda part: part.problem,
    )
)
register(
    Resource(
        SignalReading,
        plural="signal-readings",
        section="problems",
        columns=("signal", "starts", "ends", "value", "samples", "crossed", "source"),
        filters=("crossed",),
        order=("-ends", "-id"),
        part_of=lambda part: part.signal.problem,
        select=("signal__problem", "window__problem"),
    )
)
register(
    Resource(
        SuccessCriterion,
        plural="success-criteria",
        section="problems",
        columns=("problem", "measure", "metric", "target", "baseline", "measured", "met", "finding"),
        filters=("measure", "met"),
        order=("-created_at", "-id"),
        part_of=lambda part: part.problem,
    )
)
register(
    Resource(
        Deviation,
        plural="deviations",
        section="problems",
        icon="flag",
        columns=(
            "key",
            "what",
            "step",
            "problem",
            "release",
            "happened_at",
            "accepted_at",
            "catch_up_by",
            "caught_up_at",
        ),
        filters=(
            Filter(
                "open",
                "Open",
                lambda rows, value: rows.filter(caught_up_at__isnull=value == "yes"),
                (("yes", "To be caught up"), ("no", "Caught up")),
            ),
            "step",
        ),
        search=("key", "what"),
        order=("-happened_at", "-id"),
    )
)
register(
    Resource(
        WindowProposal,
        plural="window-proposals",
        section="problems",
        icon="cal",
        columns=("key", "name", "problem", "first_day", "first_time", "minutes", "state", "standing"),
        filters=("state",),
        search=("key", "name"),
        order=("-created_at", "-id"),
        template="problems/window_proposal.html",
        context=proposal_page,
        select=("window",),
    )
)
register(
    Resource(
        ProblemPolicy,
        plural="problem-policies",
        section="problems",
        icon="gear",
        columns=("number", "currency", "systemic_incidents", "keep_days", "author", "created_at"),
        order=("-number",),
        template="problems/policy.html",
        context=policy_page,
    )
)
