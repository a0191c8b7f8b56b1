"""The installation's own state: servers, ledger, queues, requests. Sums only, nothing of any one organization."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.db.models import Count, Min

from governance.models import Evaluation
from releasetrain.audit.models import Checkpoint, DeadLetter, LedgerEntry
from releasetrain.interface import observing
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope
from trains.models import Series

from .families import counted, gauge, one

_KEPT_SECONDS = 15
_KEPT = "metrics:platform"


def families() -> Iterator[Any]:
    """Every family of the installation."""
    yield gauge("build_info", "Version of the interpreter.", ("python",), [((platform.python_version(),), 1)])
    database = _answers(_ask_database)
    yield one("database_up", "1: the database answers.", database)
    yield one("cache_up", "1: the cache and broker answers.", _answers(_ask_cache))
    yield one("tasks_waiting", "Tasks in the broker's queue.", _waiting())
    yield from observing.families()
    if database:
        yield from _sums()


def _sums() -> Iterator[Any]:
    """What is summed over all organizations; computed at most every quarter of a minute."""
    try:
        sums = cache.get(_KEPT)
    except Exception:  # without a cache each reading computes
        sums = None
    if sums is None:
        sums = _summed()
        with suppress(Exception):  # it is computed again next time
            cache.set(_KEPT, sums, _KEPT_SECONDS)
    yield counted(
        "organizations", "Organizations, by whether they are suspended.", "state", sums["organizations"]
    )
    yield one("ledger_entries_unsealed", "Entries that no checkpoint covers yet.", sums["unsealed"])
    yield one(
        "ledger_seal_age_seconds", "Seconds since the oldest entry without a checkpoint.", sums["seal_age"]
    )
    yield one(
        "dead_letters", "Ledger entries that a listener failed on and nobody has settled.", sums["dead"]
    )
    yield counted(
        "evaluations_waiting",
        "Evaluations of gates that are not settled, by state.",
        "state",
        sums["evaluations"],
    )
    yield one("evaluation_wait_seconds", "Seconds that the oldest unsettled evaluation waits.", sums["waits"])
    yield one("series", "Recorded time series.", sums["series"])


def _summed() -> dict[str, Any]:
    found: dict[str, Any] = {
        "organizations": {"active": 0, "suspended": 0},
        "unsealed": 0,
        "seal_age": 0.0,
        "dead": 0,
        "evaluations": {"waiting": 0},
        "waits": 0.0,
        "series": 0,
    }
    for organization in Organization.objects.all():
        found["organizations"]["suspended" if organization.suspended_at else "active"] += 1
        with tenant_scope(organization.pk, Actor.system(organization.pk, "reading state")):
            _add(found)
    return found


def _add(found: dict[str, Any]) -> None:
    at = now()
    horizon = Checkpoint.objects.order_by("-id").values_list("horizon", flat=True).first() or 0
    behind = LedgerEntry.objects.filter(xid__gte=horizon).aggregate(n=Count("id"), first=Min("at"))
    found["unsealed"] += behind["n"]
    if behind["first"]:
        found["seal_age"] = max(found["seal_age"], (at - behind["first"]).total_seconds())
    found["dead"] += DeadLetter.objects.filter(settled_at=None).count()
    waiting = Evaluation.objects.filter(finished_at=None).aggregate(n=Count("id"), first=Min("requested_at"))
    found["evaluations"]["waiting"] += waiting["n"]
    if waiting["first"]:
        found["waits"] = max(found["waits"], (at - waiting["first"]).total_seconds())
    found["series"] += Series.objects.count()


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_cache() -> None:
    cache.set("metrics:up", os.getpid(), timeout=5)


def _answers(ask: Any) -> float:
    try:
        ask()
    except Exception:  # whatever the driver raises means: it does not answer
        return 0.0
    return 1.0


def _waiting() -> float | None:
    """The length of the broker's queue; unknown while it does not answer."""
    try:
        import redis
        from django.conf import settings

        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1) as broker:
            return float(broker.llen("celery"))  # type: ignore[arg-type]
    except Exception:  # the broker is away: that is said by cache_up
        return None
