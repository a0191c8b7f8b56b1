"""Rate limits: a fixed window per token or person, told in the RateLimit header fields."""

from __future__ import annotations

import logging
import time
import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import redis
from django.conf import settings
from django.http.response import HttpResponseBase

log = logging.getLogger(__name__)
WINDOW = 60
DEFAULT_PER_MINUTE = 1200
_ONE_MORE = """
local used = redis.call('INCR', KEYS[1])
if used == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return used
"""


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


def take(organization_id: uuid.UUID, who: str) -> Allowance:
    """Count this request. A cache that is away limits nobody: the limit protects, it is no gate."""
    quota = int(getattr(settings, "API_REQUESTS_PER_MINUTE", DEFAULT_PER_MINUTE))
    moment = time.time()
    window, resets_in = int(moment // WINDOW), WINDOW - int(moment % WINDOW)
    name = f"rate:{organization_id}:{who}:{window}"
    try:
        used = count(name)
    except redis.RedisError as error:
        log.warning("rate limit not counted: %s", error)
        used = 1
    return Allowance(quota, quota - used, resets_in)


def count(name: str) -> int:
    """One more, in one command; the counter forgets itself after its window."""
    return int(_counter()(keys=[name], args=[2 * WINDOW]))


@lru_cache(maxsize=1)
def _counter() -> Any:
    return store().register_script(_ONE_MORE)


@lru_cache(maxsize=1)
def store() -> redis.Redis:
    """The connection to the cache, for whatever is counted there."""
    return redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
