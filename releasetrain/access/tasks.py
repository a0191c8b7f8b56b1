"""Celery envelopes of access: what is due is found in the database, so beat twice does no harm."""

from __future__ import annotations

import uuid

from celery import shared_task

from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.tasks import tenant_task


@tenant_task()
def clear_accesses(organization_id: uuid.UUID) -> int:
    from .workload import clear

    return clear(organization_id)


@tenant_task()
def sweep_reviews(organization_id: uuid.UUID) -> int:
    from .reminding import sweep

    return sweep(organization_id)


@shared_task(name="releasetrain.access.tasks.send_invitations")
def send_invitations(organization_id: str) -> int:
    """Not in a tenant scope as a whole: a claim is committed before its mail is sent."""
    from .posting import send_due

    return send_due(uuid.UUID(organization_id))


# Longer than other tasks may take, and shorter than the broker waits before it hands a task out again.
@shared_task(name="releasetrain.access.tasks.make_archive", soft_time_limit=3300, time_limit=3400)
def make_archive(organization_id: str) -> int:
    from .archiving import work

    return work(uuid.UUID(organization_id))


@shared_task(name="releasetrain.access.tasks.sweep_access")
def sweep_access() -> None:
    for organization_id in Organization.objects.values_list("id", flat=True):
        make_archive.delay(str(organization_id))
    for organization_id in Organization.objects.filter(suspended_at__isnull=True).values_list(
        "id", flat=True
    ):
        clear_accesses.delay(str(organization_id))
        sweep_reviews.delay(str(organization_id))
        send_invitations.delay(str(organization_id))
