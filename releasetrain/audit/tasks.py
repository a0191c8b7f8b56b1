"""Celery envelopes of the audit floor: sealing and outbox consumption, per organization."""

from __future__ import annotations

import uuid

from celery import shared_task

from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.tasks import enqueue, tenant_task

from . import consumption, sealing


@tenant_task()
def seal(organization_id: uuid.UUID) -> int:
    return sealing.seal(organization_id)


@tenant_task()
def consume(organization_id: uuid.UUID) -> int:
    done = consumption.consume(organization_id)
    if done >= consumption.BATCH:
        # Somebody may not have reached the end yet; the next round would come seconds later.
        enqueue(consume, organization_id)
    return done


@shared_task
def seal_all() -> None:
    for organization_id in Organization.objects.values_list("id", flat=True):
        seal.delay(str(organization_id))


@shared_task
def consume_all() -> None:
    for organization_id in Organization.objects.values_list("id", flat=True):
        consume.delay(str(organization_id))
