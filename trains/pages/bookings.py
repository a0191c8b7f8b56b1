"""The page of a shared resource: who has it when, who waits, and why."""

from __future__ import annotations

from typing import Any

from releasetrain.interface import links
from releasetrain.kernel.clock import now
from trains.models import SharedResource
from trains.queries.bookings import booked, queue_of

_MOST = 50


def resource_page(request: Any, resource: SharedResource) -> dict[str, Any]:
    """What the page shows beyond the generic one."""
    moment = now()
    ahead = [b for b in booked(resource) if b.ends > moment]
    return {
        "root": links.page_root(),
        "ahead": ahead[:_MOST],
        "more": max(0, len(ahead) - _MOST),
        "in_use": sum(1 for b in ahead if b.starts <= moment),
        "queue": queue_of(resource),
    }
