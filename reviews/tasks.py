"""Celery envelopes of reviews: reminders, and what goes up because it stays open."""

from __future__ import annotations

from celery import shared_task

from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope


@shared_task(name="reviews.tasks.sweep_reviews")  # type: ignore[untyped-decorator]
def sweep_reviews() -> int:
    """Remind, escalate and refer in every organization; twice at once does no harm."""
    from .sweeping import sweep  # the verbs are loaded by then

    acts = 0
    for organization in Organization.objects.filter(suspended_at__isnull=True):
        actor = Actor.system(organization.pk, "round of reviews")
        with tenant_scope(organization.pk, actor):
            acts += sweep(actor)
    return acts
