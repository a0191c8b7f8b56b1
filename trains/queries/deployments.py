"""What was deployed when, and what runs where."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from releasetrain.kernel.clock import now
from trains.models import Deployment, Environment, Release, Service, Train
from trains.rules.rollbacks import Past, undoings


def deployments_between(
    starts: datetime,
    ends: datetime,
    *,
    train: Train | None = None,
    services: Iterable[Service] | None = None,
    environments: Iterable[Environment] | None = None,
    production_only: bool = False,
) -> QuerySet[Deployment]:
    """Deployments that began in [starts, ends), with their service, environment and release."""
    rows = Deployment.objects.filter(started_at__gte=starts, started_at__lt=ends)
    if train is not None:
        rows = rows.filter(service__train=train)
    if services is not None:
        rows = rows.filter(service__in=list(services))
    if environments is not None:
        rows = rows.filter(environment__in=list(environments))
    if production_only:
        rows = rows.filter(environment__kind=Environment.Kind.PRODUCTION)
    return rows.select_related("service", "environment", "release").order_by("started_at", "id")


def environments_of(train: Train | None) -> list[Environment]:
    """The environments a train deploys to, in the order of the way to production."""
    rows = Environment.objects.all()
    return list(rows.filter(Q(train__isnull=True) | Q(train=train)) if train is not None else rows)


def production_environments(train: Train | None) -> list[Environment]:
    """Where the train's releases end."""
    return [e for e in environments_of(train) if e.is_production]


def current_versions(
    train: Train | None = None, *, services: Iterable[uuid.UUID] | None = None
) -> dict[uuid.UUID, dict[uuid.UUID, Deployment]]:
    """What runs where: service id → environment id → the latest deployment (a rollback, too) that succeeded there."""
    rows = Deployment.objects.filter(outcome=Deployment.State.SUCCEEDED)
    if train is not None:
        rows = rows.filter(service__train=train)
    if services is not None:
        rows = rows.filter(service__in=list(services))
    latest = rows.order_by("service_id", "environment_id", "-started_at", "-id").distinct(
        "service_id", "environment_id"
    )
    found: dict[uuid.UUID, dict[uuid.UUID, Deployment]] = {}
    for deployment in latest.select_related("restores"):
        found.setdefault(deployment.service_id, {})[deployment.environment_id] = deployment
    return found


def version_running(deployment: Deployment) -> str:
    """The version a deployment left running: its own, or for a bare rollback the one it restored."""
    if not deployment.version and deployment.restores:
        return deployment.restores.version
    return deployment.version or deployment.commit[:10]


@dataclass(frozen=True)
class Undoing:
    """What a rollback would undo and restore if it began at `at`; either may be unknown to us."""

    undoes: Deployment | None
    restores: Deployment | None
    at: datetime


def undoing_now(service_id: uuid.UUID, environment_id: uuid.UUID) -> Undoing:
    """What a rollback of the service in the environment would undo now, running deployments included."""
    rows = {d.pk: d for d in Deployment.objects.filter(service=service_id, environment=environment_id)}
    history = [Past(d.pk, d.kind, d.outcome, d.version, d.started_at) for d in rows.values()]
    moment = max([now(), *(d.started_at for d in rows.values())])
    link = undoings([*history, Past("this", "rollback", Deployment.State.SUCCEEDED, "", moment)])["this"]
    return Undoing(rows.get(link.rolls_back), rows.get(link.restores), moment)


def undeployed_artifacts(release: Release) -> list[str]:
    """The services of the release whose build has not arrived in every production environment of its train."""
    targets = {e.pk for e in production_environments(release.train)}
    arrived: dict[uuid.UUID, set[uuid.UUID]] = {}
    rows = release.deployments.filter(state=Deployment.State.SUCCEEDED, environment__in=targets)
    for service_id, environment_id in rows.values_list("service_id", "environment_id"):
        arrived.setdefault(service_id, set()).add(environment_id)
    attached = release.artifacts.select_related("service").order_by("service__name")
    return [a.service.name for a in attached if not targets <= arrived.get(a.service_id, set())]


def without_trials(entries: Sequence[Any]) -> list[Any]:
    """Entries of the ledger without those about deployments outside production that roll nothing back."""
    named = {entry.subject_id for entry in entries if entry.subject_kind == "deployment"}
    trials = Deployment.objects.filter(pk__in=named, rolls_back__isnull=True).exclude(
        environment__kind=Environment.Kind.PRODUCTION
    )
    left_out = {str(pk) for pk in trials.order_by().values_list("pk", flat=True)}
    return [e for e in entries if e.subject_kind != "deployment" or e.subject_id not in left_out]
