"""Who is told when somebody opens an object: apps that must record what was looked at register here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from releasetrain.kernel.actor import Actor

Watcher = Callable[[Actor, Any], None]

_watchers: list[Watcher] = []


def watches_views(watcher: Watcher) -> Watcher:
    """Register fn(actor, obj), called whenever a page or the API shows an object whole."""
    _watchers.append(watcher)
    return watcher


def viewed(actor: Actor, obj: Any) -> None:
    """Tell everybody who watches."""
    for watcher in _watchers:
        watcher(actor, obj)
