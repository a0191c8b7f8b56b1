"""Freezes: half-open windows [starts, ends) and to what they apply."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Window:
    """A freeze as far as rules need it; an empty train, environment or service means all."""

    starts: datetime
    ends: datetime
    train: Any = None
    environment: Any = None
    service: Any = None


def covers(window: Window, at: datetime) -> bool:
    """Whether the moment lies in the window: its first moment does, its last does not."""
    return window.starts <= at < window.ends


def applies(window: Window, *, train: Any, environment: Any, service: Any) -> bool:
    """Whether the freeze is about this train, environment and service: each side that it names must be the one meant."""
    pairs = ((window.train, train), (window.environment, environment), (window.service, service))
    return all(named is None or named == meant for named, meant in pairs)


def first_free(windows: Iterable[Window], at: datetime) -> datetime:
    """The first moment from `at` on that no window covers."""
    free = at
    for window in sorted(windows, key=lambda w: w.starts):
        if covers(window, free):
            free = window.ends
    return free
