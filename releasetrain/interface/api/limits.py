"""Rate limits: a fixed window per token or person, told in the RateLimit header fields."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http.response import HttpResponseBase

log = logging.getLogger(__name__)
WINDOW = 60
DEFAULT_PER_MINUTE = 1200


@dataclass(frozen=True)
class Allowance:
    """What is left of the window."""

    quota: int
    left: int
    resets_in: int

    @property
    def spent(self) -> bool:
        return self.left < 0

    def mark(self, response: HttpResponseBase) -> HttpResponseBase:
        """Say it in the response."""
        response["RateLimit-Policy"] = f'"default";q={self.quota};w={WINDOW}'
        response["RateLimit"] = f'"default";r={max(self.left, 0)};t={self.resets_in}'
        if self.spent:
            response["Retry-After"] = str(self.resets_in)
        return response


def take(request: Any, who: str) -> Allowance:
    """Count this request. A cache that is away limits nobody: the limit protects, it is no gate."""
    quota = int(getattr(settings, "API_REQUESTS_PER_MINUTE", DEFAULT_PER_MINUTE))
    moment = time.time()
    window, resets_in = int(moment // WINDOW), WINDOW - int(moment % WINDOW)
    name = f"rate:{request.organization.pk}:{who}:{window}"
    try:
        cache.add(name, 0, timeout=2 * WINDOW)
        used = cache.incr(name)
    except Exception as error:  # whatever the cache's client raises
        log.warning("rate limit not counted: %s", error)
        used = 1
    return Allowance(quota, quota - used, resets_in)
