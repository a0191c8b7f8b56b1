"""Celery envelopes of replays: doing them, and finding lost ones again."""

from __future__ import annotations

import uuid
from datetime import timedelta

from celery import shared_task

from governance import replaying
from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope
from releasetrain.tenancy.tasks import enqueue

PATIENCE = timedelta(seconds=20)


@shared_task(name="governance.tasks.replay", soft_time_limit=600, time_limit=640)  # type: ignore[untyped-decorator]
def replay(organization_id: str, replay_id: str) -> bool:
    """Replay a gate. Opens its own scopes: the claim must be committed before the facts are read."""
    return replaying.work_off(uuid.UUID(organization_id), uuid.UUID(replay_id))


@shared_task(name="governance.tasks.sweep_replays")  # type: ignore[untyped-decorator]
def sweep_replays() -> int:
    """Find replays that the broker or a worker lost; twice at once does no harm."""
    return sum(
        sweep(o) for o in Organization.objects.filter(suspended_at__isnull=True).values_list("pk", flat=True)
    )


def sweep(organization_id: uuid.UUID) -> int:
    """Ring again for an organization's waiting replays, and give up what has failed too often."""
    with tenant_scope(organization_id, Actor.system(organization_id, "replay sweeper")):
        found = replaying.overdue(PATIENCE)
        for replay_id, attempts in found:
            if attempts >= replaying.MOST_ATTEMPTS:
                replaying.give_up(replay_id)
            else:
                enqueue(replay, organization_id, replay_id)
    return len(found)
