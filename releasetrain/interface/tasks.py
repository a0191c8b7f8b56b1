"""Celery envelopes of the interface."""

from __future__ import annotations

from celery import shared_task

from . import health


@shared_task(name="releasetrain.interface.tasks.heartbeat", expires=60)
def heartbeat() -> None:
    """Rung by the scheduler and run by a worker: /readyz tells whether both are there."""
    health.beat()
