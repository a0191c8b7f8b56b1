"""Celery envelopes of the interface: its heartbeat, and the index of search kept true."""

from __future__ import annotations

import uuid

from celery import shared_task

from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope

from . import health
from .models import SearchEntry
from .searching.indexing import BATCH, index_noted, put_words_right, rebuild

# A large import is worked off in turns, so that other organizations need not wait for it.
TURNS = 10


@shared_task(name="releasetrain.interface.tasks.heartbeat", expires=60)
def heartbeat() -> None:
    """Rung by the scheduler and run by a worker: /readyz tells whether both are there."""
    health.beat()


@shared_task(name="releasetrain.interface.tasks.index_search")
def index_search() -> int:
    """Bring the index of every organization up to date; each step is committed."""
    found = Organization.objects.filter(suspended_at__isnull=True).values_list("pk", flat=True)
    return sum(index_organization(organization_id) for organization_id in found)


def index_organization(organization_id: uuid.UUID, turns: int = TURNS) -> int:
    """Index what was noted in one organization; returns how many rows were read."""
    with tenant_scope(organization_id, Actor.system(organization_id, "search index")):
        # After an upgrade from a version without the index nothing is in it yet.
        total = 0 if SearchEntry.objects.exists() else rebuild()
    for _ in range(turns):
        with tenant_scope(organization_id, Actor.system(organization_id, "search index")):
            done = index_noted()
        total += done
        if done < BATCH:
            break
    return total


@shared_task(name="releasetrain.interface.tasks.forget_search_words")
def forget_search_words() -> None:
    """Every night the known words are counted anew, so that what was erased is not proposed."""
    for organization_id in Organization.objects.values_list("pk", flat=True):
        with tenant_scope(organization_id, Actor.system(organization_id, "search index")):
            put_words_right()
