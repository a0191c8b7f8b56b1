"""Who may use which secret at which stage, and which were not rotated in time."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth import get_user_model
from django.db.models import QuerySet

from releasetrain.audit.doorway import Actor
from trains.models import SecretReference, Service


def in_force() -> QuerySet[SecretReference]:
    rows = SecretReference.objects.filter(retired_at__isnull=True, stage__retired_at__isnull=True)
    return rows.select_related("stage__pipeline__service")


def usable(actor: Actor, service: Service, stage: str) -> list[SecretReference]:
    """The secrets that this person or service account may use at the stage; of the others nothing is told."""
    user = get_user_model().objects.filter(pk=actor.user_id).first() if actor.user_id else None
    if user is None:
        return []
    rows = in_force().filter(stage__pipeline__service=service, stage__name=stage).order_by("name")
    return [row for row in rows if str(user.email).lower() in row.users]


def overdue(at: datetime) -> list[SecretReference]:
    """Those that Vault says were not rotated in time."""
    return [row for row in in_force() if row.is_overdue(at)]
