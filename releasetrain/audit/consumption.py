"""Reading the ledger as an outbox: every consumer once through everything, in order, behind the snapshot horizon."""

from __future__ import annotations

import logging
import uuid

from django.db import transaction
from django.db.models import Q

from releasetrain.kernel.clock import now
from releasetrain.tenancy.faults import passes

from .models import ConsumerCursor, DeadLetter, LedgerEntry
from .sealing import horizon
from .subscriptions import Subscription, subscriptions

log = logging.getLogger(__name__)
BATCH = 500
# A few entries are read one by one, in fewer queries than sifting takes.
_WORTH_SIFTING = 8
# So many transactions of the installation may pass before the cursor of a listener without wishes is moved.
_FALLS_BEHIND = 5_000


def consume(organization_id: uuid.UUID) -> int:
    """Give new entries to every subscription; returns how many were handled."""
    return sum(_advance(subscription) for subscription in subscriptions())


def _advance(subscription: Subscription) -> int:
    ConsumerCursor.objects.get_or_create(consumer=subscription.name)
    # Two schedulers at once are harmless: the second finds the cursor locked and leaves.
    cursor = (
        ConsumerCursor.objects.select_for_update(skip_locked=True).filter(consumer=subscription.name).first()
    )
    if cursor is None:
        return 0
    limit, wanted = horizon(), subscription.wanted()
    if wanted is None:
        _keep_up(cursor, limit)
        return 0
    entries = list(
        LedgerEntry.objects.filter(xid__lt=limit)
        .filter(Q(xid=cursor.xid, id__gt=cursor.entry_id) | Q(xid__gt=cursor.xid))
        .filter(wanted)
        .order_by("xid", "id")[:BATCH]
    )
    for entry in _sifted(subscription, entries):
        _handle(subscription, entry)
    if entries:
        cursor.xid, cursor.entry_id = entries[-1].xid, entries[-1].pk
        cursor.save()
    return len(entries)


def _sifted(subscription: Subscription, entries: list[LedgerEntry]) -> list[LedgerEntry]:
    """Those entries that the consumer may do something for; all of them where that cannot be told."""
    if subscription.sift is None or len(entries) < _WORTH_SIFTING:
        return entries
    try:
        with transaction.atomic():
            return subscription.sift(entries)
    except Exception:
        log.exception("consumer %s cannot sift; it reads every entry", subscription.name)
        return entries


def _keep_up(cursor: ConsumerCursor, limit: int) -> None:
    """Nobody listens: whoever begins to, later, is not told what was before. Moved rarely, since it costs a write."""
    if limit - cursor.xid > _FALLS_BEHIND:
        cursor.xid, cursor.entry_id = limit - 1, 2**63 - 1
        cursor.save()


def _handle(subscription: Subscription, entry: LedgerEntry) -> None:
    try:
        with transaction.atomic():
            failed = subscription.handler(entry)
    except Exception as error:  # one bad entry must not hold up the rest; it is kept where people see it
        if passes(error):
            raise  # the entry is as good as any: all of them are given anew
        log.exception("consumer %s failed on ledger entry %s", subscription.name, entry.pk)
        failed = repr(error)
    if failed:
        letter, made = DeadLetter.objects.get_or_create(
            consumer=subscription.name, entry_id=entry.pk, defaults={"error": failed[:2000]}
        )
        if not made:
            letter.attempts += 1
            letter.error = failed[:2000]
            letter.save()


def retry(letter: DeadLetter) -> bool:
    """Give a dead letter to its consumer once more; True when it was digested."""
    subscription = next((s for s in subscriptions() if s.name == letter.consumer), None)
    entry = LedgerEntry.objects.filter(pk=letter.entry_id).first()
    if subscription is None or entry is None:
        return False
    try:
        with transaction.atomic():
            failed = subscription.handler(entry)
    except Exception as error:  # it stays a dead letter, with the newer error
        failed = repr(error)
    if failed:
        letter.attempts += 1
        letter.error = failed[:2000]
        letter.save()
        return False
    letter.settled_at = now()
    letter.save()
    return True
