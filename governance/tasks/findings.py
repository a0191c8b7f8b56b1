"""Celery envelopes of findings: acceptances that have ended."""

from __future__ import annotations

from celery import shared_task

from governance import scanning
from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope


@shared_task(name="governance.tasks.end_acceptances")
def end_acceptances() -> int:
    """Open again the findings whose accepted time is over; twice at once does no harm."""
    count = 0
    for organization in Organization.objects.filter(suspended_at__isnull=True):
        actor = Actor.system(organization.pk, "the accepted time is over")
        with tenant_scope(organization.pk, actor):
            count += scanning.end_acceptances()
    return count
