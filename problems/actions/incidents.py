"""Verbs of incidents: recorded once per report, mitigated, resolved, corrected."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from governance.gates import invalidate
from problems.models import SEVERITIES, Category, Incident, IncidentService
from problems.queries.evidence import is_link
from problems.rules.incident_times import NAMES, Times
from problems.states import INCIDENT_STATES
from releasetrain.audit.doorway import Actor, Field, action, explain_constraint
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.actions.permission import require_permission
from trains.models import Service

from .failure_links import propose_recovery, propose_suspect
from .recurring import follow

State = Incident.State
Severity = Annotated[int, Field("Severity", min=1, max=4, choices=SEVERITIES)]
Moment = datetime | None

explain_constraint("incident_report_once", "Another incident was reported under this source and id.")
explain_constraint(
    "incident_times_ordered", "An incident starts, is detected, mitigated and resolved in this order."
)


@action(
    "incident.record",
    creates=Incident,
    requires="incidents.record",
    within="service",
    label="Record an incident",
)
def record_incident(
    actor: Actor,
    *,
    title: Annotated[str, Field("Title", max_length=200)],
    service: Annotated[Service, Field("Service", help="The service that suffers most.")],
    severity: Severity = 3,
    also: Annotated[list[Service], Field("Further services")] = [],  # noqa: B006 - read only
    detected_at: Annotated[Moment, Field("Detected", help="Empty: now.")] = None,
    started_at: Annotated[Moment, Field("Started", help="When it began, if that is known.")] = None,
    acknowledged_at: Annotated[Moment, Field("Acknowledged", help="When somebody took it on.")] = None,
    mitigated_at: Annotated[Moment, Field("Mitigated")] = None,
    resolved_at: Annotated[Moment, Field("Resolved")] = None,
    impact: Annotated[str, Field("Impact", help="Who could not do what.", long=True)] = "",
    category: Annotated[Category | None, Field("Category")] = None,
    fingerprint: Annotated[
        str,
        Field(
            "Fingerprint", help="What incidents of this kind share, e.g. the alert's name.", max_length=120
        ),
    ] = "",
    source: Annotated[str, Field("Source", help="The reporting system.", max_length=80)] = "",
    external_id: Annotated[
        str,
        Field("Its id there", help="Reports with the same source and id are one incident.", max_length=200),
    ] = "",
    url: Annotated[str, Field("Link", max_length=500)] = "",
) -> Incident:
    """Record an incident.

    The same (source, external_id) is the same incident: further reports add the moments that they know, in any order.
    The last production deployment of an affected service in the day before is proposed as its cause.
    """
    services = [service, *(s for s in also if s.pk != service.pk)]
    for other in services[1:]:
        require_permission(actor, "incidents.record", other)
    _web_address(url)
    known = _known(source, external_id)
    detected = detected_at or (
        known.detected_at if known else started_at or mitigated_at or resolved_at or now()
    )
    reported = Times(detected, started_at, mitigated_at, resolved_at, acknowledged_at)
    times = _ordered(times_of(known).merged(reported) if known else reported)
    incident = known or Incident(title=title, severity=severity, source=source, external_id=external_id)
    before = None if known is None else _said(incident)
    take_times(incident, times)
    incident.severity = min(int(incident.severity), severity)
    for name, value in (
        ("impact", impact),
        ("category", category),
        ("fingerprint", fingerprint),
        ("url", url),
    ):
        if value and not getattr(incident, name):
            setattr(incident, name, value)
    if before is None or _said(incident) != before:
        incident.save()
    for each in services:
        IncidentService.objects.get_or_create(incident=incident, service=each)
    _consequences(actor, incident)
    return incident


def _web_address(url: str | None) -> None:
    if url and not is_link(url):
        refuse("incident.url", f"{url} is no web address.", remedy="Give an https link.", field="url")


def _said(incident: Incident) -> list[Any]:
    return [
        getattr(incident, n)
        for n in (*NAMES, "severity", "impact", "category", "fingerprint", "url", "state")
    ]


def _known(source: str, external_id: str) -> Incident | None:
    if not external_id:
        return None
    rows = Incident.objects.select_for_update(of=("self",)).filter(source=source, external_id=external_id)
    return rows.first()


def times_of(incident: Incident) -> Times:
    return Times(**{name: getattr(incident, name) for name in NAMES})


def take_times(incident: Incident, times: Times) -> None:
    """Put the moments into the row, with the state that they mean."""
    for name in NAMES:
        setattr(incident, name, getattr(times, name))
    if incident.state != State.CLOSED:
        incident.state = times.state


def _ordered(times: Times) -> Times:
    wrong = times.disorder()
    if wrong:
        refuse("incident.order", wrong[1], field=wrong[0])
    return times


def _consequences(actor: Actor, incident: Incident) -> None:
    """What follows from what is now known of it: a suspected deployment, a recovery, problems that came back."""
    services = list(incident.services.values_list("service_id", flat=True))
    propose_suspect(incident, services)
    if incident.mitigated_at or incident.resolved_at:
        propose_recovery(incident, incident.resolved_at or incident.mitigated_at or now())
    for service_id in services:
        invalidate(service=service_id)
    follow(actor, [incident])


@action("incident.edit", on=Incident, requires="incidents.record")
def edit_incident(
    actor: Actor,
    incident: Incident,
    *,
    title: Annotated[str | None, Field("Title", max_length=200)] = None,
    severity: Annotated[int | None, Field("Severity", min=1, max=4, choices=SEVERITIES)] = None,
    started_at: Annotated[Moment, Field("Started")] = None,
    detected_at: Annotated[Moment, Field("Detected")] = None,
    impact: Annotated[str | None, Field("Impact", long=True)] = None,
    category: Annotated[Category | None, Field("Category")] = None,
    fingerprint: Annotated[str | None, Field("Fingerprint", max_length=120)] = None,
    url: Annotated[str | None, Field("Link", max_length=500)] = None,
) -> Incident:
    """Correct what is said of the incident. Empty fields stay as they are."""
    given = {
        "title": title,
        "severity": severity,
        "started_at": started_at,
        "detected_at": detected_at,
        "impact": impact,
        "category": category,
        "fingerprint": fingerprint,
        "url": url,
    }
    for name, value in given.items():
        if value is not None:
            setattr(incident, name, value)
    _ordered(times_of(incident))
    _web_address(url)
    incident.save()
    _consequences(actor, incident)
    return incident


@action("incident.set_services", on=Incident, requires="incidents.record")
def set_services(
    actor: Actor, incident: Incident, *, services: Annotated[list[Service], Field("Services")]
) -> Incident:
    """Say which services the incident touched; this replaces what was said before."""
    if not services:
        refuse("incident.services", "An incident touches at least one service.", field="services")
    for service in services:
        require_permission(actor, "incidents.record", service)
    for gone in incident.services.exclude(service__in=services):
        invalidate(service=gone.service_id)
        gone.delete()
    for service in services:
        IncidentService.objects.get_or_create(incident=incident, service=service)
    incident.save()
    _consequences(actor, incident)
    return incident


@action("incident.acknowledge", on=Incident, requires="incidents.record", label="Acknowledge")
def acknowledge(
    actor: Actor,
    incident: Incident,
    *,
    at: Annotated[Moment, Field("Acknowledged", help="Empty: now.")] = None,
) -> Incident:
    """Say that somebody has taken the incident on."""
    if incident.acknowledged_at is not None:
        refuse(
            "incident.acknowledged",
            f"{incident.key} was acknowledged at {incident.acknowledged_at:%Y-%m-%d %H:%M} UTC.",
        )
    incident.acknowledged_at = at or now()
    _ordered(times_of(incident))
    incident.save()
    return incident


@action("incident.mitigate", on=Incident, requires="incidents.record", machine=INCIDENT_STATES)
def mitigate(
    actor: Actor, incident: Incident, *, at: Annotated[Moment, Field("Mitigated", help="Empty: now.")] = None
) -> Incident:
    """Say that users no longer suffer, though the cause may still be there."""
    incident.mitigated_at = at or now()
    _ordered(times_of(incident))
    propose_recovery(incident, incident.mitigated_at)
    return incident


@action("incident.resolve", on=Incident, requires="incidents.record", machine=INCIDENT_STATES)
def resolve(
    actor: Actor, incident: Incident, *, at: Annotated[Moment, Field("Resolved", help="Empty: now.")] = None
) -> Incident:
    """Say that the incident is over."""
    incident.resolved_at = at or now()
    _ordered(times_of(incident))
    propose_recovery(incident, incident.resolved_at)
    return incident


@action("incident.reopen", on=Incident, requires="incidents.record", machine=INCIDENT_STATES)
def reopen(
    actor: Actor, incident: Incident, *, reason: Annotated[str, Field("Reason", long=True)]
) -> Incident:
    """Say that it is not over after all; its mitigation and resolution are open again."""
    incident.mitigated_at = incident.resolved_at = None
    return incident


@action("incident.close", on=Incident, requires="incidents.record", machine=INCIDENT_STATES)
def close(actor: Actor, incident: Incident) -> Incident:
    """Nothing more is to be said about the incident."""
    return incident
