"""Celery envelopes of metrics: roll-ups kept true, and reports sent when their period is over."""

from __future__ import annotations

import uuid

from celery import shared_task

from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope

from .rolling import BATCH, roll_up


@shared_task(name="metrics.tasks.roll_up_all")
def roll_up_all() -> int:
    """Compute anew what events have touched; a backlog is worked off in steps, each of them committed."""
    found = Organization.objects.filter(suspended_at__isnull=True).values_list("pk", flat=True)
    return sum(roll_up_organization(organization_id) for organization_id in found)


def roll_up_organization(organization_id: uuid.UUID) -> int:
    total = 0
    while True:
        with tenant_scope(organization_id, Actor.system(organization_id, "roll-ups")):
            done = roll_up()
        total += done
        if done < BATCH // 100:
            return total
