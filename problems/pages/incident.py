"""The page of an incident."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest

from problems.models import Incident, Problem
from problems.queries import known_errors
from problems.queries.timeline import timeline_of
from releasetrain.interface.links import page_root
from trains.models import Service
from trains.queries.on_call import who_is_on_call

from .parts import further_neighbours, verbs_by_weight, verbs_of_part

# The acts that lead on, by state.
_MAIN = {
    "detected": ("incident.mitigate", "incident.resolve"),
    "mitigated": ("incident.resolve", "incident.link_deployment"),
    "resolved": ("incident.close", "incident.raise_problem"),
    "closed": ("incident.raise_problem", "incident.link_deployment"),
}
# What the page itself shows.
_SHOWN = {"incident-services", "failure-links", "problem-incidents"}


def incident_page(request: HttpRequest, incident: Incident) -> dict[str, Any]:
    """Its moments with the time between them, suspected deployments, problems and known errors that may help."""
    services = [s.service for s in incident.services.select_related("service")]
    links = incident.failure_links.select_related(
        "deployment__service", "deployment__environment", "proposed_by"
    )
    problems = list(Problem.objects.filter(incidents__incident=incident).select_related("service"))
    return {
        **verbs_by_weight(request, incident, _MAIN[incident.state]),
        "neighbours": further_neighbours(request, incident, _SHOWN),
        "services": services,
        "moments": _moments(incident),
        "decisions_url": _decisions(incident, services),
        "restored": incident.resolved_at - incident.began_at if incident.resolved_at else None,
        "links": [{"link": each, "verbs": verbs_of_part(request, each)} for each in links],
        "problems": problems,
        "on_call": who_is_on_call(services=services) if incident.is_open else [],
        "known_errors": [
            hit for hit in known_errors.search("", incident) if hit.problem.pk not in {p.pk for p in problems}
        ][:5]
        if incident.is_open
        else [],
        "known_errors_url": f"{page_root()}known-errors/",
        "timeline": timeline_of(incident),
    }


def _decisions(incident: Incident, services: list[Service]) -> str:
    """Where the decisions about these services, and the releases that are suspected, before it began are found."""
    suspected = incident.failure_links.filter(deployment__release__isnull=False)
    releases = set(suspected.values_list("deployment__release", flat=True))
    about = [("service", s.pk) for s in services] + [("release", pk) for pk in sorted(releases)]
    if not about:
        return ""
    return f"{page_root()}decisions/?{urlencode([*about, ('until', incident.began_at.isoformat())])}"


def _moments(incident: Incident) -> list[dict[str, Any]]:
    """Start, detection, acknowledgement, mitigation and resolution, each with the time since the start of it all."""
    named = (
        ("Started", incident.started_at),
        ("Detected", incident.detected_at),
        ("Acknowledged", incident.acknowledged_at),
        ("Mitigated", incident.mitigated_at),
        ("Resolved", incident.resolved_at),
    )
    return [
        {
            "label": label,
            "at": at,
            "absent": "not known" if label == "Started" or not incident.is_open else "not yet",
            "after": at - incident.began_at if at and at != incident.began_at else None,
        }
        for label, at in named
    ]
