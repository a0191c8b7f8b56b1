"""Celery envelopes of problems: signals are read, observations whose time has come are settled, people reminded."""

from __future__ import annotations

import uuid

from celery import shared_task

from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.tasks import tenant_task

from .actions.observation import settle_due
from .actions.signals import read_all
from .notices import remind_of_deviations


@tenant_task()
def settle_windows(organization_id: uuid.UUID) -> int:
    remind_of_deviations()
    read_all(Actor.system(organization_id, "signals of recurrence"))
    return settle_due(Actor.system(organization_id, "end of observation"))


@shared_task(name="problems.tasks.settle_all")
def settle_all() -> None:
    for organization_id in Organization.objects.filter(suspended_at__isnull=True).values_list(
        "id", flat=True
    ):
        settle_windows.delay(str(organization_id))
