"""Celery envelopes of metrics: roll-ups kept true, and reports sent when their period is over."""

from __future__ import annotations

import uuid

from celery import shared_task

from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope

from . import sending
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


@shared_task(name="metrics.tasks.send_reports")
def send_reports() -> int:
    """Send the reports whose period is over; each schedule in a transaction of its own."""
    return sum(
        send_reports_of(organization)
        for organization in Organization.objects.filter(suspended_at__isnull=True)
    )


def send_reports_of(organization: Organization) -> int:
    actor = Actor.system(organization.pk, "scheduled reports")
    with tenant_scope(organization.pk, actor):
        waiting = sending.due(organization)
    total = 0
    for schedule_id in waiting:
        with tenant_scope(organization.pk, actor):
            total += sending.send(organization, schedule_id)
    return total
