"""Reading the ledger for people: filter, page by key, show one entry with its proof."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count

from releasetrain.tenancy.scope import require_scope

from .models import Checkpoint, LedgerEntry
from .sealing import latest_checkpoint, proof_of

PAGE = 50


@dataclass(frozen=True)
class Query:
    """What the reader looks for; empty means any."""

    text: str = ""
    verb: str = ""
    actor: str = ""
    kind: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


def search(query: Query, limit: int = PAGE) -> tuple[list[LedgerEntry], int | None]:
    """Newest first; the second value continues the list (keyset by id), None at its end."""
    rows = LedgerEntry.objects.filter(organization_id=_organization()).defer("leaf_hash")
    if query.verb:
        rows = rows.filter(verb=query.verb)
    if query.actor:
        rows = rows.filter(actor_id=_uuid(query.actor))
    if query.kind:
        rows = rows.filter(subject_kind=query.kind)
    if query.subject:
        rows = rows.filter(subject_id=query.subject)
    if query.text:
        rows = rows.filter(subject_label__icontains=query.text)
    if query.since:
        rows = rows.filter(at__gte=query.since)
    if query.until:
        rows = rows.filter(at__lt=query.until)
    if query.before:
        rows = rows.filter(id__lt=query.before)
    found = list(rows.order_by("-id")[: limit + 1])
    more = found[limit - 1].pk if len(found) > limit else None
    return found[:limit], more


def verbs() -> list[str]:
    """The verbs that occur."""
    rows = LedgerEntry.objects.filter(organization_id=_organization()).order_by().values_list("verb")
    return sorted(verb for (verb, _) in rows.annotate(n=Count("id")).values_list("verb", "n"))


@dataclass(frozen=True)
class State:
    """How far the ledger is sealed."""

    checkpoint: Checkpoint | None
    unsealed: int


def state() -> State:
    """The newest checkpoint and how many entries wait behind it."""
    head = latest_checkpoint()
    waiting = LedgerEntry.objects.filter(
        organization_id=_organization(), xid__gte=head.horizon if head else 0
    ).count()
    return State(head, waiting)


@dataclass(frozen=True)
class Proof:
    """An entry's place in the tree, as hex, with the checkpoint it leads to."""

    index: int
    path: list[str]
    checkpoint: Checkpoint


def proof(entry: LedgerEntry) -> Proof | None:
    """The inclusion proof of an entry under the newest checkpoint, or None while it is not sealed."""
    head = latest_checkpoint()
    found = proof_of(entry, head) if head else None
    return Proof(found[0], [h.hex() for h in found[1]], head) if found and head else None


def document(entry: LedgerEntry) -> dict[str, Any]:
    """The entry's body as data."""
    parsed: dict[str, Any] = json.loads(entry.body)
    return parsed


def _organization() -> uuid.UUID:
    return require_scope().organization_id


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.UUID(int=0)
