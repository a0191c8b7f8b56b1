"""Reading the ledger for people: filter, page by key, show one entry with its proof."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from releasetrain.tenancy.models import row_id
from releasetrain.tenancy.scope import require_scope

from .models import Checkpoint, LedgerEntry
from .sealing import latest_checkpoint, proof_of

PAGE = 50
# What no index serves, a name's part, looks through so many entries at a time, newest first, and says how far it came.
WINDOW = 100_000
# Entries are numbered in the order of their time, but for the clocks of several servers and the moment in between.
SKEW = timedelta(minutes=10)
# Counting stops here: beyond it a reader learns nothing from the exact number.
MOST_COUNTED = 10_000


@dataclass(frozen=True)
class Query:
    """What the reader looks for; empty means any. `objects` are (kind, id) pairs, any of which may be the subject."""

    text: str = ""
    objects: tuple[tuple[str, str], ...] = ()
    verb: str = ""
    actor: str = ""
    kind: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


@dataclass(frozen=True)
class Found:
    """Entries, newest first; `more` continues the list (an entry's number, exclusive), None at its end.

    `looked_back_to` is set where the look ended at the window's edge: older entries were not looked at yet.
    """

    entries: list[LedgerEntry]
    more: int | None
    looked_back_to: datetime | None = None


def search(query: Query, limit: int = PAGE) -> Found:
    """The newest entries that match."""
    rows = _matching(query)
    edge = None
    if row_id(query.text) and not query.objects:
        rows = rows.filter(subject_id=query.text.lower())
    elif query.text and not query.objects:
        edge = rows.order_by("-id").values_list("id", flat=True)[WINDOW : WINDOW + 1].first()
        rows = rows.filter(subject_label__icontains=query.text)
        rows = rows.filter(id__gt=edge) if edge else rows
    found = list(rows.order_by("-id").defer("leaf_hash")[: limit + 1])
    if len(found) > limit:
        return Found(found[:limit], found[limit - 1].pk)
    if edge is None:
        return Found(found, None)
    return Found(found, edge + 1, LedgerEntry.objects.values_list("at", flat=True).get(pk=edge))


def _matching(query: Query) -> QuerySet[LedgerEntry]:
    """Entries by everything that an index serves."""
    rows = LedgerEntry.objects.filter(organization_id=_organization())
    if query.objects:
        either = (Q(subject_kind=kind, subject_id=subject) for kind, subject in query.objects)
        rows = rows.filter(reduce(or_, either))
    if query.verb:
        rows = rows.filter(verb=query.verb)
    if query.actor:
        rows = rows.filter(actor_id=_uuid(query.actor))
    if query.kind:
        rows = rows.filter(subject_kind=query.kind)
    if query.subject:
        rows = rows.filter(subject_id=query.subject)
    if query.since:
        rows = rows.filter(at__gte=query.since, id__gte=_number_near(query.since - SKEW, later=True))
    if query.until:
        rows = rows.filter(at__lt=query.until, id__lte=_number_near(query.until + SKEW, later=False))
    if query.before:
        rows = rows.filter(id__lt=query.before)
    return rows


def _number_near(moment: datetime, *, later: bool) -> int:
    """The number of the first entry from the moment on, or of the last one before it; 0 where there is none.

    It turns a period into a range of numbers, so that one index serves a person or a verb within a period.
    """
    rows = LedgerEntry.objects.filter(organization_id=_organization())
    rows = rows.filter(at__gte=moment).order_by("at") if later else rows.filter(at__lt=moment).order_by("-at")
    number = rows.values_list("id", flat=True).first()
    return number if number is not None else (_BEYOND if later else 0)


_BEYOND = 2**63 - 1

# A step from verb to verb along the index, instead of a look at every entry.
_VERBS = """
WITH RECURSIVE step AS (
    SELECT min(verb) AS verb FROM audit_ledgerentry WHERE organization_id = %(organization)s
    UNION ALL
    SELECT (SELECT min(verb) FROM audit_ledgerentry WHERE organization_id = %(organization)s AND verb > step.verb)
    FROM step WHERE step.verb IS NOT NULL
)
SELECT verb FROM step WHERE verb IS NOT NULL ORDER BY verb
"""


def verbs() -> list[str]:
    """The verbs that occur."""
    with connection.cursor() as cursor:
        cursor.execute(_VERBS, {"organization": _organization()})
        return [verb for (verb,) in cursor.fetchall()]


@dataclass(frozen=True)
class State:
    """How far the ledger is sealed; `unsealed` counts up to `MOST_COUNTED` and no further."""

    checkpoint: Checkpoint | None
    unsealed: int

    @property
    def uncounted(self) -> bool:
        return self.unsealed == MOST_COUNTED


def state() -> State:
    """The newest checkpoint and how many entries wait behind it."""
    head = latest_checkpoint()
    waiting = LedgerEntry.objects.filter(
        organization_id=_organization(), xid__gte=head.horizon if head else 0
    )
    return State(head, waiting.order_by()[:MOST_COUNTED].count())


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
