"""Who listens to the ledger: consumers read it as an outbox, at least once, in order per organization."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Handler = Callable[[Any], None]


@dataclass(frozen=True)
class Subscription:
    name: str
    verbs: frozenset[str]
    handler: Handler


_subscriptions: dict[str, Subscription] = {}
_verbs: set[str] = set()


def subscribe(*verbs: str, name: str) -> Callable[[Handler], Handler]:
    """Let `handler(entry: LedgerEntry)` run for entries of these verbs. It must be idempotent."""

    def register(handler: Handler) -> Handler:
        if name in _subscriptions:
            raise ValueError(f"subscription {name} is declared twice")
        _subscriptions[name] = Subscription(name, frozenset(verbs), handler)
        _verbs.update(verbs)
        return handler

    return register


def subscriptions() -> list[Subscription]:
    return list(_subscriptions.values())


def followed_verbs() -> set[str]:
    """Verbs that somebody listens to: after one of these the bell is rung."""
    return _verbs
