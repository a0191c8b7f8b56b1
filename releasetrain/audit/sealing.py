"""Sealing: ledger entries become leaves of their organization's Merkle tree, under a signed checkpoint.

Only entries below the snapshot horizon are sealed, so that no transaction still open can commit an entry into the past.
Rows arrive in (transaction id, entry id) order, which the horizon makes final.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db import connection

from . import keys
from .models import Checkpoint, LedgerEntry, SealedLeaf
from .rules.checkpoint import Checkpoint as Head
from .rules.checkpoint import sign_note
from .rules.merkle import CompactRange, NodeLookup, TreeNodes, inclusion_proof

BATCH = 20_000


def origin(organization_id: uuid.UUID) -> str:
    """The name of an organization's log in its checkpoints."""
    return f"releasetrain/{organization_id}"


# Transaction ids are the cluster's, and so is a snapshot: what runs in another database is told apart by its
# backend. An id that has no backend any more (it just ended, or is a prepared transaction) counts as ours.
_HORIZON = """
SELECT least(
    pg_snapshot_xmax(s),
    pg_current_xact_id_if_assigned(),
    (SELECT min(x) FROM pg_snapshot_xip(s) AS x WHERE NOT EXISTS (
        SELECT FROM pg_stat_activity AS a WHERE a.backend_xid = x::xid AND a.datname <> current_database()))
)::text::bigint + ledger_epoch()
FROM pg_current_snapshot() AS s
"""


def horizon() -> int:
    """Transactions of this database below this id are over: their entries will not change and no more will come."""
    with connection.cursor() as cursor:
        cursor.execute(_HORIZON)
        value: int = cursor.fetchone()[0]
    return value


def latest_checkpoint() -> Checkpoint | None:
    """The newest signed head of the organization in scope."""
    return Checkpoint.objects.order_by("-id").first()


def seal(organization_id: uuid.UUID) -> int:
    """Append what can be sealed and sign a checkpoint; returns how many entries were sealed.

    One sealer at a time per organization, by an advisory lock that ends with the transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 42))", [str(organization_id)])
        if not cursor.fetchone()[0]:
            return 0
    # The lock is held now; what an earlier sealer committed is visible to the statements that follow.
    last = latest_checkpoint()
    limit = horizon()
    entries = list(
        LedgerEntry.objects.filter(
            organization_id=organization_id, xid__gte=last.horizon if last else 0, xid__lt=limit
        )
        .order_by("xid", "id")
        .values_list("id", "leaf_hash", "xid")[: BATCH + 1]
    )
    if len(entries) > BATCH:
        entries, limit = _whole_transactions(organization_id, entries)
    if not entries:
        return 0
    tree = CompactRange(last.size, [bytes.fromhex(h) for h in last.frontier]) if last else CompactRange()
    first = tree.size
    tree.extend(bytes(leaf) for _, leaf, _ in entries)
    SealedLeaf.objects.bulk_create(
        [
            SealedLeaf(organization_id=organization_id, index=first + at, entry_id=entry_id, leaf_hash=leaf)
            for at, (entry_id, leaf, _) in enumerate(entries)
        ],
        batch_size=2_000,
    )
    note = sign_note(
        Head(origin(organization_id), tree.size, tree.root()).text, [(keys.KEY_NAME, keys.signer())]
    )
    Checkpoint.objects.create(
        organization_id=organization_id,
        size=tree.size,
        root=tree.root(),
        horizon=limit,
        frontier=[r.hex() for r in tree.roots],
        note=note.message,
    )
    return len(entries)


def _whole_transactions(
    organization_id: uuid.UUID, entries: list[tuple[int, bytes, int]]
) -> tuple[list[tuple[int, bytes, int]], int]:
    """Cut a batch at a transaction's edge, so that the next one starts at a transaction id."""
    cut = entries[-1][2]
    whole = [e for e in entries if e[2] < cut]
    if whole:
        return whole, cut
    # One transaction larger than a batch is sealed in one go.
    rows = LedgerEntry.objects.filter(organization_id=organization_id, xid=cut).order_by("id")
    return list(rows.values_list("id", "leaf_hash", "xid")), cut + 1


def nodes() -> NodeLookup:
    """Lookup of subtree hashes over the sealed leaves of the organization in scope."""

    def leaves(start: int, end: int) -> Sequence[bytes]:
        rows = (
            SealedLeaf.objects.filter(index__gte=start, index__lt=end)
            .order_by("index")
            .values_list("leaf_hash", flat=True)
        )
        return [bytes(row) for row in rows]

    return TreeNodes(leaves)


def proof_of(entry: LedgerEntry, checkpoint: Checkpoint) -> tuple[int, list[bytes]] | None:
    """(index, audit path) of an entry under a checkpoint, or None while it is not sealed below it."""
    leaf = SealedLeaf.objects.filter(entry_id=entry.pk, index__lt=checkpoint.size).first()
    if leaf is None:
        return None
    return leaf.index, inclusion_proof(leaf.index, checkpoint.size, nodes())
