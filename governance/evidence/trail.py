"""The ledger's part of a package: which entries belong to its records, waiting until all are sealed, and their proofs."""

from __future__ import annotations

import itertools
import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from releasetrain.audit import keys, sealing
from releasetrain.audit.models import Checkpoint, LedgerEntry, SealedLeaf
from releasetrain.audit.rules.checkpoint import parse_note
from releasetrain.audit.rules.inclusion_batch import inclusion_proofs
from releasetrain.audit.rules.package import LedgerLine, Written, WrittenLedger, entry_row, tree_of
from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.scope import tenant_scope

CHUNK = 1_000
PATIENCE = 120.0


class NotSealed(RuntimeError):
    """Something keeps the ledger from being sealed as far as this package needs it."""


@dataclass(frozen=True)
class Chosen:
    """The entries that belong to a package, and how far the ledger must be sealed to prove them."""

    ids: list[int]
    newest_xid: int


def entries_about(ids_by_kind: dict[str, list[str]]) -> Chosen:
    """Every entry whose subject is one of these records."""
    found: list[int] = []
    newest = 0
    for kind, ids in ids_by_kind.items():
        for chunk in _chunks(ids):
            rows = LedgerEntry.objects.filter(subject_kind=kind, subject_id__in=chunk).values_list(
                "id", "xid"
            )
            for entry_id, xid in rows.iterator(CHUNK):
                found.append(entry_id)
                newest = max(newest, xid)
    return Chosen(sorted(found), newest)


def actors_of(chosen: Chosen) -> set[uuid.UUID]:
    """Who acted in these entries."""
    found: set[uuid.UUID] = set()
    for chunk in _chunks(chosen.ids):
        rows = (
            LedgerEntry.objects.filter(pk__in=chunk, actor_id__isnull=False)
            .order_by()
            .values_list("actor_id", flat=True)
        )
        found |= {actor_id for actor_id in rows.distinct() if actor_id}
    return found


def wait_until_sealed(
    organization_id: uuid.UUID, chosen: Chosen, beat: Callable[[], None], patience: float = PATIENCE
) -> None:
    """Seal the ledger until a checkpoint covers these entries. Each try is a transaction of its own."""
    actor = Actor.system(organization_id, "evidence package")
    deadline = time.monotonic() + patience
    while True:
        with tenant_scope(organization_id, actor):
            sealing.seal(organization_id)
            head = sealing.latest_checkpoint()
        if not chosen.ids or (head is not None and head.horizon > chosen.newest_xid):
            return
        if time.monotonic() > deadline:
            raise NotSealed(
                "A transaction that has been open for long keeps the ledger from being sealed. It is tried again later."
            )
        beat()
        time.sleep(0.25)


@dataclass(frozen=True)
class Extract:
    """What goes into the package; nothing when no entry belongs to it."""

    ledger: WrittenLedger | None
    checkpoint: Checkpoint | None


def extract(folder: Path, chosen: Chosen, show: Callable[[int, dict[str, Any]], None]) -> Extract:
    """Write the entries with their proofs under the first checkpoint that covers them all.

    The first, not the newest: what happens elsewhere in the organization later does not change this package.
    """
    places = _places(chosen.ids)
    if not places:
        return Extract(None, None)
    indexes = sorted(places)
    checkpoint = Checkpoint.objects.filter(size__gt=indexes[-1]).order_by("size", "id").first()
    if checkpoint is None or len(places) != len(chosen.ids):
        raise NotSealed("Not every ledger entry of these records is sealed.")
    tree = tree_of(checkpoint.note)
    target = folder / "entries.jsonl"
    index: list[dict[str, Any]] = []
    proofs = inclusion_proofs(indexes, checkpoint.size, _leaves(checkpoint.size))
    with target.open("wb") as file:
        for batch in _batches(proofs):
            bodies = dict(
                LedgerEntry.objects.filter(pk__in=[places[at] for at, _ in batch]).values_list("pk", "body")
            )
            for at, proof in batch:
                body = bodies[places[at]]
                row, claim = entry_row(LedgerLine(at, body, proof), tree)
                file.write(row)
                index.append(claim)
                show(at, json.loads(body))
    return Extract(
        WrittenLedger(checkpoint.note, Written(target, index), _signers(checkpoint.note)), checkpoint
    )


def _places(ids: Sequence[int]) -> dict[int, int]:
    """Leaf index → entry id."""
    found: dict[int, int] = {}
    for chunk in _chunks(ids):
        found |= dict(SealedLeaf.objects.filter(entry_id__in=chunk).values_list("index", "entry_id"))
    return found


def _leaves(size: int) -> Iterator[bytes]:
    rows = SealedLeaf.objects.filter(index__lt=size).order_by("index").values_list("leaf_hash", flat=True)
    return (bytes(leaf) for leaf in rows.iterator(10_000))


def _signers(note: str) -> list[Any]:
    """The published keys that signed this checkpoint; keys of other times do not belong into the package."""
    hashes = {signature.key_hash for signature in parse_note(note).signatures}
    return [key for key in keys.note_keys() if key.hash in hashes]


def _chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    listed = iter(values)
    while chunk := list(itertools.islice(listed, CHUNK)):
        yield chunk


def _batches(proofs: Iterator[tuple[int, list[bytes]]]) -> Iterator[list[tuple[int, list[bytes]]]]:
    while batch := list(itertools.islice(proofs, CHUNK)):
        yield batch
