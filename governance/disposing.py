"""Disposal by a worker: proposing what is past its retention, and executing what two people approved.

Executing has three transactions. The claim is committed first; then every file is judged again and the tombstones of
those that still may go are written, under a lock that placing a hold takes too; only then are bytes removed; the
certificate ends it. A worker that dies in between is followed by another, which removes what has a tombstone already.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import F, Q

from governance import files
from governance.models import Disposal, DisposedFile, RecordType, StoredFile
from governance.queries.retention import Candidate, judge, past_retention
from releasetrain.audit import ledger
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.canonical import digest, plain
from releasetrain.kernel.clock import now
from releasetrain.kernel.ids import uuid7
from releasetrain.tenancy.scope import require_scope, tenant_scope

LEASE = timedelta(minutes=10)
MOST_ATTEMPTS = 5
State = Disposal.State


def lock_retention() -> None:
    """One at a time in an organization: placing a hold, and deciding that a file goes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"retention {require_scope().organization_id}"],
        )


def propose(record_type: str, proposed_by: uuid.UUID | None = None) -> Disposal | None:
    """A disposal of what may go now, or None when nothing may."""
    lock_retention()
    found = past_retention(record_type)
    if not found:
        return None
    items = [each.as_item for each in found]
    return Disposal.objects.create(
        record_type=record_type,
        items=items,
        items_digest=digest(items),
        count=len(items),
        bytes=sum(item["size"] for item in items),
        proposed_by_id=proposed_by,
    )


def propose_all(actor: Actor) -> list[Disposal]:
    """What the worker proposes: one disposal for each type of record, while none of that type waits for approval."""
    waiting = set(Disposal.objects.filter(state=State.PROPOSED).values_list("record_type", flat=True))
    made = []
    for record_type in RecordType.values:
        disposal = propose(record_type) if record_type not in waiting else None
        if disposal:
            ledger.append(
                actor,
                "disposal.propose",
                disposal,
                {"items_digest": disposal.items_digest, "count": disposal.count},
            )
            made.append(disposal)
    return made


def work_off(organization_id: uuid.UUID, disposal_id: uuid.UUID) -> bool:
    """Execute a disposal if it is approved and nobody else is at it; true when it was certified."""
    actor = Actor.system(organization_id, "certified disposal")
    with tenant_scope(organization_id, actor):
        lease = claim(disposal_id)
    if lease is None:
        return False
    with tenant_scope(organization_id, actor):
        kept = bury(disposal_id, lease)
    if kept is None:
        return False
    with tenant_scope(organization_id, actor):
        remove_bytes(disposal_id)
    with tenant_scope(organization_id, actor):
        return certify(actor, disposal_id, lease, kept)


def claim(disposal_id: uuid.UUID) -> uuid.UUID | None:
    """Take the work if it is free: approved, or left by a worker whose lease has run out."""
    moment, lease = now(), uuid7()
    one = (
        Disposal.objects.select_for_update(skip_locked=True)
        .filter(Q(state=State.APPROVED) | Q(state=State.RUNNING, claimed_until__lte=moment))
        .filter(pk=disposal_id, attempts__lt=MOST_ATTEMPTS)
        .first()
    )
    if one is None:
        return None
    one.state, one.lease, one.claimed_until = State.RUNNING, lease, moment + LEASE
    one.attempts = F("attempts") + 1
    one.save()
    return lease


def bury(disposal_id: uuid.UUID, lease: uuid.UUID) -> list[dict[str, str]] | None:
    """Write the tombstones of what still may go; returns what stays, with why, or None when the lease is gone."""
    lock_retention()
    disposal = _held(disposal_id, lease)
    if disposal is None:
        return None
    buried = set(DisposedFile.objects.filter(disposal=disposal).values_list("file", flat=True))
    stored = {f.pk: f for f in StoredFile.objects.filter(pk__in=[i["file"] for i in disposal.items])}
    judged = judge(disposal.record_type, [f for f in stored.values() if f.pk not in buried])
    going = [each for each in judged if not _reasons(each)]
    for each in going:
        DisposedFile.objects.create(
            file=each.file, disposal=disposal, digest=each.file.digest, size=each.file.size
        )
    return [{"digest": e.file.digest, "why": "; ".join(_reasons(e))} for e in judged if _reasons(e)]


def _reasons(candidate: Candidate) -> list[str]:
    return sorted(set(candidate.kept))


def remove_bytes(disposal_id: uuid.UUID) -> None:
    """Remove the bytes of everything that has a tombstone of this disposal. Doing it twice does no harm."""
    for tombstone in DisposedFile.objects.filter(disposal=disposal_id).select_related("file"):
        files.remove(tombstone.file)


def certify(actor: Actor, disposal_id: uuid.UUID, lease: uuid.UUID, kept: list[dict[str, str]]) -> bool:
    """Say what is gone and what stayed, for good: in the row, and with every digest in the ledger."""
    disposal = _held(disposal_id, lease)
    if disposal is None:
        return False
    by_file = {item["file"]: item for item in disposal.items}
    tombstones = list(disposal.disposed.order_by("digest"))
    gone = [by_file[str(t.file_id)] | {"disposed_at": plain(t.disposed_at)} for t in tombstones]
    certificate: dict[str, Any] = {
        "disposal": disposal.key,
        "organization": str(disposal.organization_id),
        "record_type": disposal.record_type,
        "items_digest": disposal.items_digest,
        "method": "The bytes were removed from the file store. Digest, size and every record that names them stay.",
        "disposed": gone,
        "kept": kept,
        "approved_by": [str(disposal.first_by_id), str(disposal.second_by_id)],
        "approved_at": [plain(disposal.first_at), plain(disposal.second_at)],
        "executed_at": plain(now()),
    }
    disposal.certificate = certificate
    disposal.certificate_digest = digest(certificate)
    disposal.executed_at = now()
    disposal.state = State.DONE
    disposal.claimed_until = None
    disposal.error = ""
    disposal.save()
    ledger.append(
        actor,
        "disposal.certify",
        disposal,
        {
            "certificate": disposal.certificate_digest,
            "disposed": [t.digest for t in tombstones],
            "kept": len(kept),
        },
    )
    return True


def _held(disposal_id: uuid.UUID, lease: uuid.UUID) -> Disposal | None:
    return (
        Disposal.objects.select_for_update().filter(pk=disposal_id, state=State.RUNNING, lease=lease).first()
    )


def overdue() -> list[uuid.UUID]:
    """Approved work that nobody is at."""
    return list(
        Disposal.objects.filter(
            Q(state=State.APPROVED) | Q(state=State.RUNNING, claimed_until__lte=now()),
            attempts__lt=MOST_ATTEMPTS,
        ).values_list("pk", flat=True)
    )
