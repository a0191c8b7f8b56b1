"""Celery envelopes of retention: proposing once a day, executing what was approved, finding lost work again."""

from __future__ import annotations

import uuid

from celery import shared_task

from governance import disposing
from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope
from releasetrain.tenancy.tasks import enqueue


@shared_task(name="governance.tasks.dispose", soft_time_limit=500, time_limit=540)
def dispose(organization_id: str, disposal_id: str) -> bool:
    """Execute one approved disposal. Opens its own scopes: each step is committed before the next."""
    return disposing.work_off(uuid.UUID(organization_id), uuid.UUID(disposal_id))


@shared_task(name="governance.tasks.propose_disposals")
def propose_disposals() -> int:
    """Propose what is past its retention, in every organization."""
    return sum(len(_propose(organization_id)) for organization_id in _organizations())


@shared_task(name="governance.tasks.sweep_disposals")
def sweep_disposals() -> int:
    """Find approved disposals that the broker or a worker lost."""
    found = 0
    for organization_id in _organizations():
        with tenant_scope(organization_id, Actor.system(organization_id, "disposal sweeper")):
            for disposal_id in disposing.overdue():
                enqueue(dispose, organization_id, disposal_id)
                found += 1
    return found


def _propose(organization_id: uuid.UUID) -> list[object]:
    actor = Actor.system(organization_id, "retention")
    with tenant_scope(organization_id, actor):
        return list(disposing.propose_all(actor))


def _organizations() -> list[uuid.UUID]:
    return list(Organization.objects.filter(suspended_at__isnull=True).values_list("pk", flat=True))
