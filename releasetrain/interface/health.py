"""Health: alive (this process answers) and ready (it can do its work, with the servers that it needs)."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

from django.core.cache import cache
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, JsonResponse

HEARTBEAT = "worker:heartbeat"
# Scheduler, broker and a worker together: silent for so long, one of them is not at work.
SILENT_AFTER = 120


def alive(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> JsonResponse:
    """503 while this host cannot serve: no database, or a schema older than the program. Says which, not why.

    Broker and worker are told as well, and leave it at "degraded": all hosts share them, so a balancer that took a host out for
    them would take out all, and what people do is committed to the database, where sweepers find it later.
    """
    needed = {"database": _holds(_database), "migrations": _holds(_migrations)}
    told = {"cache": _holds(_cache), "worker": _holds(_worker)}
    good = all(needed.values())
    status = "unavailable" if not good else "ok" if all(told.values()) else "degraded"
    return JsonResponse({"status": status, "checks": needed | told}, status=200 if good else 503)


def beat() -> None:
    """A worker says that it is at work (interface.tasks.heartbeat)."""
    cache.set(HEARTBEAT, time.time(), timeout=10 * SILENT_AFTER)


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return True


def _cache() -> bool:
    cache.set("ready", 1, timeout=5)
    return True


def _worker() -> bool:
    return time.time() - float(cache.get(HEARTBEAT, 0)) < SILENT_AFTER


@functools.cache
def _migrated() -> bool:
    """Remembered once it is so: a schema does not go back under a running program. Raises while it is not."""
    loader = MigrationLoader(connection)
    missing = set(loader.graph.leaf_nodes()) - set(loader.applied_migrations)
    if missing:
        raise LookupError(f"{len(missing)} apps wait for `manage.py migrate`")
    return True


def _migrations() -> bool:
    return _migrated()


def _holds(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except Exception:  # whatever the driver raises means: no
        return False
