"""Links between incidents and deployments: proposed by people and by rule, accepted or disputed by people."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from django.db.models import Q

from governance.gates import invalidate
from problems.models import FailureLink, Incident
from problems.rules.suspects import LOOK_BACK, Candidate, suspect
from problems.states import LINK_STATES
from releasetrain.audit.doorway import Actor, Field, Ref, action, explain_constraint
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import Deployment, Environment

Kind = FailureLink.Kind
Reason = Annotated[str, Field("Reason", help="What shows it.", long=True)]

explain_constraint("failure_link_once", "This deployment is linked to the incident already.")


def production_deployments() -> Any:
    return Deployment.objects.filter(environment__kind=Environment.Kind.PRODUCTION)


def _recent(actor: Actor, incident: Any) -> Any:
    """Production deployments near the incident, for the form's list."""
    rows = production_deployments().select_related("service", "environment")
    if incident is not None:
        rows = rows.filter(started_at__gte=incident.began_at - timedelta(days=7))
        if incident.resolved_at:
            rows = rows.filter(started_at__lte=incident.resolved_at)
    return rows.order_by("-started_at")


@action("incident.link_deployment", on=Incident, requires="incidents.record")
def link_deployment(
    actor: Actor,
    incident: Incident,
    *,
    deployment: Annotated[Deployment, Field("Deployment", rows=_recent)],
    kind: Annotated[Kind, Field("What it had to do with it")] = Kind.CAUSED,
    reason: Reason = "",
) -> FailureLink:
    """Say which deployment caused the incident, contributed to it, or recovered from it."""
    _possible(incident, deployment, kind)
    known = incident.failure_links.filter(deployment=deployment, kind=kind).first()
    if known:
        refuse("failure_link.known", f"It is linked already: {known}.", blocked_by=Ref.of(known))
    _touches(deployment)
    return FailureLink.objects.create(
        incident=incident, deployment=deployment, kind=kind, reason=reason, proposed_by_id=actor.user_id
    )


def _possible(incident: Incident, deployment: Deployment, kind: str) -> None:
    if not deployment.environment.is_production:
        refuse(
            "failure_link.not_production",
            f"{deployment} was not a production deployment.",
            field="deployment",
        )
    if kind != Kind.RECOVERED_BY and deployment.started_at > incident.detected_at:
        refuse(
            "failure_link.later",
            f"{deployment} began after the incident was detected; it cannot have caused it.",
            remedy="If it ended the incident, link it as a recovery.",
            field="deployment",
        )
    if kind == Kind.RECOVERED_BY and deployment.started_at < incident.detected_at:
        refuse(
            "failure_link.earlier",
            f"{deployment} began before the incident was detected; it cannot have been the recovery.",
            field="deployment",
        )


@action("failure_link.accept", on=FailureLink, requires="incidents.record", machine=LINK_STATES)
def accept_link(actor: Actor, link: FailureLink, *, reason: Reason = "") -> FailureLink:
    """Agree that the deployment had this to do with the incident; change fail rate counts it from now on."""
    return _decide(actor, link, reason)


@action("failure_link.dispute", on=FailureLink, requires="incidents.record", machine=LINK_STATES)
def dispute_link(
    actor: Actor, link: FailureLink, *, reason: Annotated[str, Field("Reason", help="Why not.", long=True)]
) -> FailureLink:
    """Say that the deployment had nothing to do with the incident."""
    return _decide(actor, link, reason)


def _decide(actor: Actor, link: FailureLink, reason: str) -> FailureLink:
    link.decided_by_id, link.decided_at = actor.user_id, now()
    link.reason = reason or link.reason
    _touches(link.deployment)
    return link


def _touches(deployment: Deployment) -> None:
    """Gates that look at failed deployments look again."""
    invalidate(service=deployment.service_id, release=deployment.release_id)


def propose_suspect(incident: Incident, services: list[UUID]) -> FailureLink | None:
    """Propose the last production deployment of an affected service in the day before detection, if there is one."""
    if incident.failure_links.filter(kind=Kind.CAUSED).exists():
        return None
    rows = production_deployments().filter(
        service__in=services,
        started_at__gte=incident.detected_at - LOOK_BACK - timedelta(days=7),
        started_at__lte=incident.detected_at,
    )
    values = list(rows.values_list("pk", "started_at", "finished_at", "state"))
    found = suspect(incident.detected_at, incident.began_at, [candidate(*row) for row in values])
    if found is None:
        return None
    return FailureLink.objects.create(
        incident=incident,
        deployment_id=found,
        kind=Kind.CAUSED,
        reason="The last production deployment of an affected service in the 24 hours before detection.",
    )


def candidate(pk: UUID, started_at: datetime, finished_at: datetime | None, state: str) -> Candidate:
    return Candidate(pk, finished_at or started_at, state == Deployment.State.CANCELLED)


def propose_recovery(incident: Incident, until: datetime) -> FailureLink | None:
    """Propose the rollback or repair deployment that ended the incident, if one ran between detection and then."""
    if incident.failure_links.filter(kind=Kind.RECOVERED_BY).exists():
        return None
    repairs = Q(kind=Deployment.Kind.ROLLBACK) | Q(rework=True) | Q(emergency=True)
    rows = production_deployments().filter(
        repairs,
        service__in=incident.services.values("service_id"),
        started_at__gte=incident.detected_at,
        finished_at__lte=until,
        outcome=Deployment.State.SUCCEEDED,
    )
    found = rows.order_by("-finished_at").first()
    if found is None:
        return None
    return FailureLink.objects.create(
        incident=incident,
        deployment=found,
        kind=Kind.RECOVERED_BY,
        reason="A rollback or repair of an affected service that ended while the incident lasted.",
    )
