"""The ledger, the leaves and heads of its Merkle tree, and the cursors of those who read it."""

from __future__ import annotations

from django.db import models

from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import Organization, TenantModel

from .history import transaction_id


class LedgerEntry(models.Model):
    """One thing that happened. `body` is the canonical JSON that is hashed; the columns repeat it for search.

    The insert trigger fills the columns from the body and computes
    ``leaf_hash = SHA-256(0x00 || body)`` (RFC 6962 section 2.1).
    """

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    xid = models.BigIntegerField(db_default=transaction_id(), editable=False)
    at = models.DateTimeField()
    verb = models.CharField(max_length=80)
    actor_id = models.UUIDField(null=True)
    actor_name = models.CharField(max_length=200)
    route = models.CharField(max_length=20)
    subject_kind = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=60)
    subject_label = models.CharField(max_length=200)
    request_id = models.CharField(max_length=64, blank=True)
    body = models.TextField()
    leaf_hash = models.BinaryField(max_length=32)

    tenant_table = True
    append_only = True

    class Meta:
        verbose_name_plural = "ledger entries"
        indexes = [
            models.Index(fields=["organization", "-id"], name="ledger_recent"),
            models.Index(fields=["organization", "xid", "id"], name="ledger_seal_order"),
            models.Index(fields=["organization", "subject_kind", "subject_id", "-id"], name="ledger_subject"),
            models.Index(fields=["organization", "verb", "-id"], name="ledger_verb"),
            models.Index(fields=["organization", "actor_id", "-id"], name="ledger_actor"),
            models.Index(fields=["organization", "at"], name="ledger_time"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.subject_label}"


class SealedLeaf(models.Model):
    """The place of a ledger entry in its organization's Merkle tree."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    index = models.BigIntegerField()
    entry_id = models.BigIntegerField()
    leaf_hash = models.BinaryField(max_length=32)

    tenant_table = True
    append_only = True

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "index"], name="sealed_leaf_index"),
            models.UniqueConstraint(fields=["organization", "entry_id"], name="sealed_leaf_entry"),
        ]

    def __str__(self) -> str:
        return f"leaf {self.index}"


class Checkpoint(models.Model):
    """A signed tree head: size, root and the signed note (C2SP tlog-checkpoint) as published."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    size = models.BigIntegerField()
    root = models.BinaryField(max_length=32)
    # Every entry whose transaction id is below the horizon was visible when this head was made.
    horizon = models.BigIntegerField()
    frontier = models.JSONField(help_text="Roots of the complete subtrees, left to right, as hex.")
    note = models.TextField()
    signed_at = models.DateTimeField(default=now)

    tenant_table = True
    append_only = True

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "size", "horizon"], name="checkpoint_once")
        ]
        indexes = [models.Index(fields=["organization", "-id"], name="checkpoint_recent")]

    def __str__(self) -> str:
        return f"checkpoint {self.size}"


class ConsumerCursor(TenantModel):
    """How far one consumer has read the ledger; entries behind (xid, entry id) are done."""

    consumer = models.CharField(max_length=80)
    xid = models.BigIntegerField(default=0)
    entry_id = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "consumer"], name="consumer_cursor_once")
        ]


class DeadLetter(TenantModel):
    """A ledger entry that a consumer could not digest, kept with its error until somebody retries it."""

    consumer = models.CharField(max_length=80)
    entry_id = models.BigIntegerField()
    error = models.TextField()
    attempts = models.PositiveIntegerField(default=1)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "consumer", "entry_id"], name="dead_letter_once")
        ]
