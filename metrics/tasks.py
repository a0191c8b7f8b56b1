"""Celery envelopes of metrics: roll-ups kept true, and reports sent when their period is over."""

from __future__ import annotations

import uuid

from celery import shared_task

from releasetrain.interface.notices import remind
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope

from . import sending
from .burning import follow_budgets
from .models import Kpi
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


@shared_task(name="metrics.tasks.follow_error_budgets")
def follow_error_budgets() -> int:
    """Open what error budgets that burn ask for, in every organization; beat rings every five minutes."""
    acts = 0
    for organization in Organization.objects.filter(suspended_at__isnull=True):
        actor = Actor.system(organization.pk, "error budgets")
        with tenant_scope(organization.pk, actor):
            acts += follow_budgets(actor)
    return acts


@shared_task(name="metrics.tasks.remind_of_kpis")
def remind_of_kpis() -> int:
    """Remind owners of indicators whose review is due; each day of review is told once."""
    told = 0
    for organization in Organization.objects.filter(suspended_at__isnull=True):
        with tenant_scope(organization.pk, Actor.system(organization.pk, "reviews of indicators")):
            for kpi in Kpi.objects.filter(retired_at=None, review_on__lte=now().date()):
                told += remind(
                    [kpi.owner_id],
                    f"kpi-review:{kpi.pk}:{kpi.review_on}",
                    f"{kpi} is due for review",
                    "Say what was decided by it, or retire it."
                    if not kpi.vanity
                    else "No decision is served by it: name one, or retire it.",
                    kpi,
                )
    return told
