"""The overview of a train."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from releasetrain.kernel.clock import now
from trains.models import Train
from trains.queries.increments import current_iteration, next_release


def overview(request: HttpRequest, train: Train) -> dict[str, Any]:
    """What the overview shows beyond the generic page of a train."""
    return {"iteration": current_iteration(train, now().date()), "next_release": next_release(train)}
