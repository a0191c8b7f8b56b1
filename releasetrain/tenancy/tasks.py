"""Celery envelopes for work inside one organization."""

from __future__ import annotations

import functools
import logging
import uuid
from collections.abc import Callable
from typing import Any

from celery import shared_task
from django.db import connection, transaction

from releasetrain.kernel.actor import Actor

from .scope import tenant_scope

log = logging.getLogger(__name__)


def tenant_task(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """A task whose first argument is the organization's id; its body runs in that scope as the system."""

    def decorate(body: Callable[..., Any]) -> Any:
        @shared_task(name=f"{body.__module__}.{body.__name__}", **options)
        @functools.wraps(body)
        def envelope(organization_id: str, *args: Any, **kwargs: Any) -> Any:
            organization = uuid.UUID(str(organization_id))
            with tenant_scope(organization, Actor.system(organization, f"task {body.__name__}")):
                return body(organization, *args, **kwargs)

        return envelope

    return decorate


def enqueue(task: Any, *args: Any, **kwargs: Any) -> None:
    """Ring the bell after commit, once per task and arguments.

    A broker that is away is logged, not raised: sweepers find the work again.
    """
    wanted = (task.name, args, tuple(sorted(kwargs.items())))
    if any(getattr(entry[1], "wanted", None) == wanted for entry in connection.run_on_commit):
        return

    def ring() -> None:
        try:
            task.apply_async(
                args=[str(a) if isinstance(a, uuid.UUID) else a for a in args], kwargs=kwargs, retry=False
            )
        except Exception as error:  # the row is committed; the sweeper will find it
            log.warning("broker unavailable, %s left to the sweeper: %s", task.name, error)

    ring.wanted = wanted  # type: ignore[attr-defined]
    transaction.on_commit(ring)
