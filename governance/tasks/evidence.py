"""Celery envelopes of evidence packages: building them, and finding lost work again."""

from __future__ import annotations

import uuid
from datetime import timedelta

from celery import shared_task

from governance.actions import auditors, package_schedules
from governance.evidence import work
from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope
from releasetrain.tenancy.tasks import enqueue

# Work that has waited this long was not heard by any worker.
PATIENCE = timedelta(seconds=20)


@shared_task(name="governance.tasks.build_package", soft_time_limit=900, time_limit=960)
def build_package(organization_id: str, package_id: str) -> bool:
    """Build one package. Opens its own scopes: the claim must be committed before the facts are read."""
    return work.work_off(uuid.UUID(organization_id), uuid.UUID(package_id))


@shared_task(name="governance.tasks.sweep_packages")
def sweep_packages() -> int:
    """Find packages that the broker or a worker lost; runs every few seconds, and twice at once does no harm."""
    return sum(
        sweep(o) for o in Organization.objects.filter(suspended_at__isnull=True).values_list("pk", flat=True)
    )


@shared_task(name="governance.tasks.sweep_auditing")
def sweep_auditing() -> int:
    """End the access of external auditors whose time is over, and queue the packages that schedules ask for."""
    return sum(
        keep_time(o)
        for o in Organization.objects.filter(suspended_at__isnull=True).values_list("pk", flat=True)
    )


def keep_time(organization_id: uuid.UUID) -> int:
    """What is due in one organization at this moment."""
    actor = Actor.system(organization_id, "its time has come")
    with tenant_scope(organization_id, actor):
        return auditors.end_due(actor) + len(package_schedules.pack_due(actor))


def sweep(organization_id: uuid.UUID) -> int:
    """Ring again for an organization's waiting packages, and give up what has failed too often."""
    actor = Actor.system(organization_id, "evidence sweeper")
    with tenant_scope(organization_id, actor):
        found = work.overdue(PATIENCE)
        for package_id, attempts in found:
            if attempts >= work.MOST_ATTEMPTS:
                work.give_up(actor, package_id)
            else:
                enqueue(build_package, organization_id, package_id)
        work.tidy(organization_id)
    return len(found)
