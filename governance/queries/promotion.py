"""What an environment asks of deployments, who runs there, who waits, and which stages lie before it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.db.models import Q

from governance.models import DeploymentTurn, EnvironmentRule
from governance.rules.turns import Turn, in_order
from releasetrain.audit.models import LedgerEntry
from trains.models import Deployment, Environment, Release, Service

# The ledger's word for a start that lacked something.
FLAGGED = "deployment.flag"


def rule_of(environment: Environment) -> EnvironmentRule | None:
    return EnvironmentRule.objects.filter(environment=environment).first()


def running_in(environment: Environment, other_than: Any = None) -> list[Deployment]:
    """Deployments that are on record as running there, the oldest first."""
    rows = Deployment.objects.filter(environment=environment, state=Deployment.State.RUNNING)
    if other_than is not None:
        rows = rows.exclude(pk=other_than)
    return list(rows.select_related("service", "environment").order_by("started_at", "id")[:200])


def waiting_for(environment: Environment, at: datetime) -> list[DeploymentTurn]:
    """Everybody who waits and has not lost the place, in their order."""
    rows = DeploymentTurn.objects.filter(
        environment=environment, state=DeploymentTurn.State.WAITING, expires_at__gt=at
    ).select_related("service", "release", "environment")
    by_id = {row.pk: row for row in rows}
    return [by_id[turn.id] for turn in in_order(as_turn(row) for row in by_id.values())]


def as_turn(row: DeploymentTurn) -> Turn:
    return Turn(row.pk, row.impact, row.requested_at, row.key)


def turn_of(
    waiting: list[DeploymentTurn], service: Service | None, release: Release | None
) -> DeploymentTurn | None:
    """The turn that a start of this service, or of this release, uses: its own before one for any release."""
    of_service = [t for t in waiting if service is not None and t.service_id == service.pk]
    own = [t for t in of_service if release is not None and t.release_id == release.pk]
    return next(iter(own or [t for t in of_service if t.release_id is None]), None)


def flagged_starts(environment: Environment, most: int = 10) -> list[tuple[Deployment, list[dict[str, Any]]]]:
    """The latest starts there that lacked a precondition the environment only flags, with what they lacked."""
    entries = LedgerEntry.objects.filter(
        organization_id=environment.organization_id, verb=FLAGGED, subject_kind="deployment"
    ).order_by("-id")[: most * 5]
    said = {e.subject_id: json.loads(e.body)["payload"]["flags"] for e in entries}
    rows = Deployment.objects.filter(pk__in=list(said), environment=environment)
    listed = rows.select_related("service", "environment").order_by("-started_at", "-id")[:most]
    return [(d, said[str(d.pk)]) for d in listed]


def stages_before(environment: Environment) -> list[Environment]:
    """The environments on the way to this one, the nearest first; development is no stage."""
    rows = Environment.objects.filter(rank__lt=environment.rank).exclude(kind=Environment.Kind.DEV)
    shared = Q(train__isnull=True)
    rows = rows.filter(shared | Q(train=environment.train_id) if environment.train_id else shared)
    return list(rows.order_by("-rank", "name"))
