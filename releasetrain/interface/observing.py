"""Counting requests and their time by address pattern, for Prometheus.

Web processes share what they count through files in the folder PROMETHEUS_MULTIPROC_DIR, which `manage.py up` sets;
without it each process tells of itself only.
"""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0)
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_making = threading.Lock()


class ObservingMiddleware:
    """Every answer is counted by method, pattern of the address and class of its status."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        # Never the address itself: its keys and slugs are without end, and belong to organizations.
        route = match.route if match else ("static" if request.path_info.startswith("/static/") else "none")
        method = (
            request.method if request.method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE") else "other"
        )
        _seconds().labels(method, route, f"{response.status_code // 100}xx").observe(
            time.perf_counter() - began
        )
        return response


def _seconds() -> Any:
    # Threads begin at once, and a histogram may be made but once.
    with _making:
        return _made()[1]


@functools.cache
def _made() -> tuple[Any, Any]:
    """This process's registry, and the histogram in it."""
    folder = os.environ.get(_FOLDER)
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
    from prometheus_client import CollectorRegistry, Histogram

    registry = CollectorRegistry(auto_describe=False)
    histogram = Histogram(
        "releasetrain_http_request_seconds",
        "Seconds until an answer began, by method, pattern of the address and class of status.",
        ["method", "route", "status"],
        buckets=_BUCKETS,
        registry=registry,
    )
    return registry, histogram


def families() -> Iterator[Any]:
    """The counts of all web processes, or of this one."""
    _seconds()
    if not os.environ.get(_FOLDER):
        yield from _made()[0].collect()
        return
    from prometheus_client import CollectorRegistry
    from prometheus_client.multiprocess import MultiProcessCollector

    shared = CollectorRegistry(auto_describe=False)
    MultiProcessCollector(shared)
    yield from shared.collect()
