"""Celery envelopes of governance: evaluating gates, and finding lost work again."""

from __future__ import annotations

import uuid
from datetime import timedelta

from celery import shared_task
from django.db.models import QuerySet

from governance import evaluating, gates
from governance.models import SettledAnswer
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope
from releasetrain.tenancy.tasks import enqueue

# Work that has waited this long was not heard by any worker.
PATIENCE = timedelta(seconds=20)


@shared_task(name="governance.tasks.evaluate", soft_time_limit=100, time_limit=120)  # type: ignore[untyped-decorator]
def evaluate(organization_id: str, evaluation_id: str) -> str | None:
    """Evaluate one gate. Opens its own scopes: the claim must be committed before the facts are read."""
    return evaluating.work_off(uuid.UUID(organization_id), uuid.UUID(evaluation_id))


@shared_task(name="governance.tasks.sweep_evaluations")  # type: ignore[untyped-decorator]
def sweep_evaluations() -> int:
    """Find evaluations that the broker or a worker lost; runs every few seconds, and twice at once does no harm."""
    return sum(sweep(organization) for organization in _organizations())


@shared_task(name="governance.tasks.sum_up_changes")  # type: ignore[untyped-decorator]
def sum_up_changes() -> None:
    """Fold the counted changes and forget expired answers, so that asking stays quick where much happens."""
    for organization in _organizations():
        with tenant_scope(organization.pk, Actor.system(organization.pk, "housekeeping")):
            gates.sum_up()
            SettledAnswer.objects.filter(valid_until__lt=now()).delete()


def sweep(organization: Organization) -> int:
    """Ring again for an organization's waiting work, and give up what has failed too often."""
    actor = Actor.system(organization.pk, "evaluation sweeper")
    with tenant_scope(organization.pk, actor):
        found = evaluating.overdue(PATIENCE)
        for evaluation_id, attempts in found:
            if attempts >= evaluating.MOST_ATTEMPTS:
                evaluating.give_up(actor, evaluation_id)
            else:
                enqueue(evaluate, organization.pk, evaluation_id)
    return len(found)


def _organizations() -> QuerySet[Organization]:
    return Organization.objects.filter(suspended_at__isnull=True)
