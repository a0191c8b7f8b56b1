"""Who listens to the ledger: consumers read it as an outbox, at least once, in order per organization."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

# What a handler returns is the error of a part of its work that failed while the rest stays; "" or None: all went well.
Handler = Callable[[Any], str | None]
# Of these entries, in their order, those that a handler may do something for.
Sift = Callable[[Sequence[Any]], list[Any]]


@dataclass(frozen=True)
class Subscription:
    """`verbs` is fixed, or asked for each organization anew: its own choice, None when nobody there listens."""

    name: str
    verbs: frozenset[str]
    handler: Handler
    among: Callable[[], Q | None] | None = None
    sift: Sift | None = None

    def wanted(self) -> Q | None:
        """Which entries of the organization in scope it reads."""
        return self.among() if self.among else Q(verb__in=self.verbs)


_subscriptions: dict[str, Subscription] = {}
_verbs: set[str] = set()


def subscribe(*verbs: str, name: str, sift: Sift | None = None) -> Callable[[Handler], Handler]:
    """Let `handler(entry: LedgerEntry)` run for entries of these verbs. It must be idempotent.

    `sift` leaves out of many entries those that the handler would do nothing for, in a few queries for all of them.
    """

    def register(handler: Handler) -> Handler:
        if name in _subscriptions:
            raise ValueError(f"subscription {name} is declared twice")
        _subscriptions[name] = Subscription(name, frozenset(verbs), handler, sift=sift)
        _verbs.update(verbs)
        return handler

    return register


def subscribe_among(
    among: Callable[[], Q | None], *, name: str, sift: Sift | None = None
) -> Callable[[Handler], Handler]:
    """Let `handler(entry)` run for the entries that an organization's own rows ask for.

    No bell is rung for these, since any verb may be among them: they are read in the regular round.
    """

    def register(handler: Handler) -> Handler:
        if name in _subscriptions:
            raise ValueError(f"subscription {name} is declared twice")
        _subscriptions[name] = Subscription(name, frozenset(), handler, among, sift)
        return handler

    return register


def subscriptions() -> list[Subscription]:
    return list(_subscriptions.values())


def followed_verbs() -> set[str]:
    """Verbs that somebody listens to: after one of these the bell is rung."""
    return _verbs
