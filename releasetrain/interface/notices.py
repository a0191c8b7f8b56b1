"""Notices: what people are told after an act, and what they are reminded of when its time has come.

Every app declares its own beside its rules; who is told how (inbox, mail, digest, quiet hours) is the top floor's:

    @notice("change.submit", name="change.vote_wanted", title="A change waits for your vote")
    def vote_wanted(entry: LedgerEntry) -> Notice | None:
        change = ChangeRequest.objects.filter(pk=entry.subject_id).first()
        return change and Notice(to=board_members(change), title=f"Vote on {change}", about=change)

Functions run in the worker, at least once, within the organization; nobody is told the same thing twice, nor of an
act of their own. What time brings is told with `remind`, as often as one likes: its key says what it is.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Protocol

from django.db import transaction

from releasetrain.audit.subscriptions import subscribe
from releasetrain.kernel.clock import now
from releasetrain.tenancy.faults import passes


@dataclass(frozen=True)
class Notice:
    """What some people are to know.

    about    the object (or a Ref) that its link leads to
    urgent   passes quiet hours and digests
    mail     False: in the inbox only
    """

    to: Iterable[uuid.UUID]
    title: str
    text: str = ""
    about: Any = None
    urgent: bool = False
    mail: bool = True


Teller = Callable[[Any], "Notice | Iterable[Notice] | None"]


@dataclass(frozen=True)
class Declared:
    """One kind of notice, as people's settings list it."""

    name: str
    title: str
    verbs: frozenset[str] = frozenset()
    teller: Teller | None = None


class Delivery(Protocol):
    """Who carries notices: idempotent by person and key; returns how many people were told now."""

    def __call__(self, key: str, name: str, told: Notice) -> int: ...


# What is older is no news: a ledger that is read for the first time, or after a long outage, wakes nobody.
NEWS = timedelta(days=3)
REMINDER = "reminder"
_declared: dict[str, Declared] = {REMINDER: Declared(REMINDER, "Reminders of what is due")}
_delivery: list[Delivery] = []


def notice(*verbs: str, name: str, title: str = "") -> Callable[[Teller], Teller]:
    """Let `teller(entry)` say who is told of ledger entries with these verbs. `title` names the kind in settings."""

    def declare(teller: Teller) -> Teller:
        declare_kind(name, title, verbs, teller)
        return teller

    return declare


def declare_kind(name: str, title: str = "", verbs: Iterable[str] = (), teller: Teller | None = None) -> None:
    """Name a kind of notice; without a teller it is only reminded of."""
    if name in _declared:
        raise ValueError(f"notice {name} is declared twice")
    words = name.replace(".", ": ").replace("_", " ")
    _declared[name] = Declared(name, title or words[:1].upper() + words[1:], frozenset(verbs), teller)


def declared() -> list[Declared]:
    """Every kind of notice, by its title."""
    return sorted(_declared.values(), key=lambda each: each.title)


def remind(
    to: Iterable[uuid.UUID],
    key: str,
    title: str,
    text: str = "",
    about: Any = None,
    *,
    name: str = REMINDER,
    urgent: bool = False,
    mail: bool = True,
) -> int:
    """Tell people what time has brought, once for each key; returns how many were told now."""
    if name not in _declared:
        raise ValueError(f"no notice is named {name}")
    return _deliver(f"{name}:{key}", name, Notice(to, title, text, about, urgent, mail))


def deliver_by(delivery: Delivery) -> Delivery:
    """Plug in who carries notices."""
    _delivery[:] = [delivery]
    return delivery


def follow_ledger() -> None:
    """Listen to every verb that somebody has notices for. Called once, when all apps have declared theirs."""
    verbs = {verb for each in _declared.values() for verb in each.verbs}
    if verbs:
        subscribe(*sorted(verbs), name="notices")(tell)


def tell(entry: Any) -> str:
    """Let everybody concerned know of one entry. One kind that fails does not keep back the others."""
    failed: list[str] = []
    if entry.at < now() - NEWS:
        return ""
    for each in _declared.values():
        if each.teller is None or entry.verb not in each.verbs:
            continue
        try:
            with transaction.atomic():
                _tell(each, entry)
        except Exception as error:  # kept as a dead letter by the caller, with the name of the kind
            if passes(error):
                raise
            failed.append(f"{each.name}: {error!r}")
    return "; ".join(failed)


def _tell(kind: Declared, entry: Any) -> None:
    assert kind.teller is not None
    said = kind.teller(entry)
    for number, each in enumerate([said] if isinstance(said, Notice) else said or ()):
        told = replace(each, to=[user for user in each.to if user and user != entry.actor_id])
        _deliver(f"{kind.name}:{entry.pk}:{number}" if number else f"{kind.name}:{entry.pk}", kind.name, told)


def _deliver(key: str, name: str, told: Notice) -> int:
    return _delivery[0](key, name, told) if _delivery else 0


__all__ = [
    "Declared",
    "Notice",
    "declare_kind",
    "declared",
    "deliver_by",
    "follow_ledger",
    "notice",
    "remind",
    "tell",
]
