"""Which deployment an incident is probably due to: the last one to production before it, if recent enough."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

LOOK_BACK = timedelta(hours=24)


@dataclass(frozen=True)
class Candidate:
    """A production deployment of an affected service; `live_at` is when it ended, or began while it still runs."""

    id: Any
    live_at: datetime
    cancelled: bool = False


def suspect(
    detected_at: datetime,
    began_at: datetime,
    candidates: Iterable[Candidate],
    look_back: timedelta = LOOK_BACK,
) -> Any | None:
    """The id of the last deployment in the time before detection, or None.

    A deployment that went live after the incident began cannot have caused it.
    """
    fitting = [
        c
        for c in candidates
        if not c.cancelled and detected_at - look_back <= c.live_at <= min(began_at, detected_at)
    ]
    last = max(fitting, key=lambda c: (c.live_at, str(c.id)), default=None)
    return last.id if last else None
