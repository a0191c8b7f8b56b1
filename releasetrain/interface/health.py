"""Health: alive (this process answers) and ready (so do the servers it needs)."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, JsonResponse


def alive(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> JsonResponse:
    """503 until database and cache answer. Says which, not why: the address needs no sign-in."""
    checks = {"database": _answers(_database), "cache": _answers(_cache)}
    good = all(checks.values())
    return JsonResponse(
        {"status": "ok" if good else "unavailable", "checks": checks}, status=200 if good else 503
    )


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _cache() -> None:
    cache.set("ready", 1, timeout=5)


def _answers(check: Any) -> bool:
    try:
        check()
    except Exception:  # whatever the driver raises means: not ready
        return False
    return True
