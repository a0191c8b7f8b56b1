"""Verifying the ledger of the organization in scope: every hash recomputed, every checkpoint rebuilt, every gap named."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import connection
from django.utils.dateparse import parse_datetime

from releasetrain.tenancy.guards import history_of, tenant_models

from . import keys
from .models import Checkpoint, LedgerEntry, SealedLeaf
from .rules.checkpoint import NoteError, open_checkpoint
from .rules.merkle import CompactRange, leaf_hash
from .sealing import origin

CHUNK = 5_000
# So many rows written by hand are named for each table.
NAMED = 100


@dataclass
class Report:
    """What was checked and what does not hold; `faults` is empty when all is well."""

    entries: int = 0
    sealed: int = 0
    checkpoints: int = 0
    changes: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.faults


def verify_ledger(organization_id: uuid.UUID) -> Report:
    """Check entries against their hashes, leaves against entries, heads against leaves and signatures, rows against acts."""
    report = Report()
    for fault in _faulty_entries(report):
        report.faults.append(fault)
    for fault in _faulty_tree(organization_id, report):
        report.faults.append(fault)
    for fault in _changes_without_act(report):
        report.faults.append(fault)
    return report


def _faulty_entries(report: Report) -> Iterator[str]:
    sealed = {}
    for leaf in SealedLeaf.objects.order_by("index").values_list("entry_id", "leaf_hash").iterator(CHUNK):
        sealed[leaf[0]] = bytes(leaf[1])
    last = Checkpoint.objects.order_by("-id").first()
    seen = set()
    for entry in LedgerEntry.objects.order_by("id").iterator(CHUNK):
        report.entries += 1
        seen.add(entry.pk)
        if leaf_hash(entry.body.encode()) != bytes(entry.leaf_hash):
            yield f"Entry {entry.pk} ({entry.verb}, {entry.at:%Y-%m-%d %H:%M:%S} UTC) does not match its leaf hash: its body was altered."
        differing = _columns_apart(entry)
        if differing:
            yield f"Entry {entry.pk} ({entry.verb}): column {', '.join(differing)} differs from the body."
        known = sealed.get(entry.pk)
        if known is not None and known != leaf_hash(entry.body.encode()):
            yield f"Entry {entry.pk} ({entry.verb}) differs from its sealed leaf."
        if known is None and last is not None and entry.xid < last.horizon:
            yield f"Entry {entry.pk} ({entry.verb}) lies before the last checkpoint but was never sealed: it was inserted later."
    for entry_id in sorted(set(sealed) - seen):
        yield f"Entry {entry_id} is sealed but gone from the ledger: it was deleted."


def _columns_apart(entry: LedgerEntry) -> list[str]:
    body = json.loads(entry.body)
    actor_id = body["actor"]["id"]
    expected = {
        "verb": body["verb"],
        "at": parse_datetime(body["at"]),
        "actor_id": uuid.UUID(actor_id) if actor_id else None,
        "actor_name": body["actor"]["name"],
        "route": body["actor"]["route"],
        "subject_kind": body["subject"]["kind"],
        "subject_id": body["subject"]["id"],
        "subject_label": body["subject"]["label"],
        "request_id": body["request"],
        "organization_id": uuid.UUID(body["organization"]),
    }
    return [name for name, value in expected.items() if getattr(entry, name) != value]


def _faulty_tree(organization_id: uuid.UUID, report: Report) -> Iterator[str]:
    tree = CompactRange()
    leaves = SealedLeaf.objects.order_by("index").values_list("index", "leaf_hash").iterator(CHUNK)
    known = keys.note_keys()
    for checkpoint in Checkpoint.objects.order_by("size", "id").iterator(CHUNK):
        report.checkpoints += 1
        while tree.size < checkpoint.size:
            index, leaf = next(leaves, (None, b""))
            if index is None:
                yield f"Checkpoint {checkpoint.size} covers leaf {tree.size}, which is gone."
                return
            if index != tree.size:
                yield f"Leaf {tree.size} is missing from the tree; leaf {index} follows."
                return
            tree.append(bytes(leaf))
            report.sealed += 1
        if tree.root() != bytes(checkpoint.root):
            yield f"Checkpoint {checkpoint.size} of {checkpoint.signed_at:%Y-%m-%d %H:%M:%S} UTC: the root does not follow from the leaves."
        try:
            head = open_checkpoint(checkpoint.note, known, origin(organization_id))
        except NoteError as error:
            yield f"Checkpoint {checkpoint.size}: {error}"
            continue
        if (head.size, head.root) != (checkpoint.size, bytes(checkpoint.root)):
            yield f"Checkpoint {checkpoint.size}: the signed note speaks of another tree."
    extra = next(leaves, None)
    if extra is not None:
        yield f"Leaf {extra[0]} lies beyond the last checkpoint."


def _changes_without_act(report: Report) -> Iterator[str]:
    """Rows written by hand: the database wrote their history, and no act of the same transaction accounts for it."""
    for model in tenant_models():
        history = history_of(model)
        if history is None:
            continue
        table = history._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT count(*) FROM "{table}"')  # noqa: S608 - one of our own tables
            report.changes += cursor.fetchone()[0]
            cursor.execute(
                f'SELECT id, history_date, history_type FROM "{table}" AS written'  # noqa: S608 - one of our own tables
                " WHERE NOT EXISTS (SELECT 1 FROM audit_ledgerentry AS entry"
                "  WHERE entry.organization_id = written.organization_id AND entry.xid = written.history_xid)"
                " ORDER BY history_id LIMIT %s",
                [NAMED],
            )
            for row_id, at, kind in cursor.fetchall():
                done = "added" if kind == "+" else "changed"
                noun = str(model._meta.verbose_name).capitalize()
                yield f"{noun} {row_id} was {done} by hand at {at:%Y-%m-%d %H:%M:%S} UTC: no act accounts for it."
