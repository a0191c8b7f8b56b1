"""How long records are kept, what stops their disposal, and disposal itself: proposed, approved by two, executed, certified."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel

from .changes import known
from .files import StoredFile


class RecordType(models.TextChoices):
    """What may be disposed of: bodies of files. Facts, history and ledger are never."""

    REPORT = "report", "Reports of tests and scans"
    PACKAGE = "package", "Evidence packages"
    DOCUMENT = "document", "Documents"


class RetentionPolicy(TenantModel):
    """How long one type of record is kept under one framework and jurisdiction. Of several the longest wins."""

    class Clock(models.TextChoices):
        RECEIVED = "received", "when it was received"
        RELEASED = "released", "when the last release with it was closed"
        SUPERSEDED = "superseded", "when a newer one took its place"

    record_type = models.CharField(max_length=12, choices=RecordType.choices)
    framework = models.CharField(max_length=60, blank=True, help_text="The catalogue's short name, or empty.")
    jurisdiction = models.CharField(
        max_length=60, blank=True, help_text="Like EU or US; empty is everywhere."
    )
    regulated_only = models.BooleanField(
        default=False, help_text="Only for records about services marked as regulated."
    )
    clock = models.CharField("counted from", max_length=10, choices=Clock.choices, default=Clock.RECEIVED)
    keep_days = models.PositiveIntegerField("days kept")
    reason = models.TextField(help_text="The rule or the need behind it.")
    retired_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        verbose_name_plural = "retention policies"
        ordering = ["record_type", "-keep_days"]
        constraints = [
            known("record_type", "retention_type_known", "report package document"),
            known("clock", "retention_clock_known", "received released superseded"),
            models.CheckConstraint(condition=Q(keep_days__gte=1), name="retention_keeps_a_day"),
            models.UniqueConstraint(
                fields=["organization", "record_type", "framework", "jurisdiction", "regulated_only"],
                condition=Q(retired_at__isnull=True),
                name="retention_policy_once",
            ),
        ]

    def __str__(self) -> str:
        whose = " ".join(filter(None, (self.framework, self.jurisdiction))) or "everywhere"
        return f"{self.get_record_type_display()}, {whose}: {self.keep_days} days"


class LegalHold(KeyedModel):
    """Nothing that it covers is disposed of until somebody lifts it. Empty bounds cover everything."""

    key_prefix = "HOLD"

    title = models.CharField(max_length=200)
    reason = models.TextField(help_text="The matter: proceedings, an investigation, a request.")
    record_type = models.CharField(max_length=12, choices=RecordType.choices, blank=True)
    train = TenantForeignKey("trains.Train", related_name="+", null=True, blank=True)
    service = TenantForeignKey("trains.Service", related_name="+", null=True, blank=True)
    release = TenantForeignKey("trains.Release", related_name="+", null=True, blank=True)
    starts = models.DateField("records from", null=True, blank=True)
    ends = models.DateField("records before", null=True, blank=True)
    placed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    lifted_because = models.TextField(blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["-created_at"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(starts__isnull=True) | Q(ends__isnull=True) | Q(ends__gt=F("starts")),
                name="hold_period_ordered",
            ),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True, lifted_by__isnull=True)
                | Q(lifted_at__isnull=False, lifted_by__isnull=False) & ~Q(lifted_because=""),
                name="hold_lifted_by_somebody",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "record_type"],
                condition=Q(lifted_at__isnull=True),
                name="hold_standing",
            )
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.title}"[:200]


class Disposal(KeyedModel):
    """A batch of records past their retention. What it is about never changes; two people approve it.

    `items` lists, for each file: file, digest, size, record_type, record, label, received, due, policy.
    """

    key_prefix = "DSP"

    class State(models.TextChoices):
        PROPOSED = "proposed", "Proposed"
        APPROVED = "approved", "Approved by two"
        RUNNING = "running", "Running"
        DONE = "done", "Done and certified"
        REJECTED = "rejected", "Rejected"

    record_type = models.CharField(max_length=12, choices=RecordType.choices)
    items = models.JSONField()
    items_digest = models.CharField(max_length=71)
    count = models.PositiveIntegerField("records")
    bytes = models.PositiveBigIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.PROPOSED)
    proposed_at = models.DateTimeField(default=now)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    first_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="first approval",
    )
    first_at = models.DateTimeField(null=True, blank=True)
    second_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="second approval",
    )
    second_at = models.DateTimeField(null=True, blank=True)
    decision = models.TextField(blank=True)
    lease = models.UUIDField(null=True, blank=True, editable=False)
    claimed_until = models.DateTimeField(null=True, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    certificate = models.JSONField(null=True, blank=True)
    certificate_digest = models.CharField(max_length=71, blank=True)
    executed_at = models.DateTimeField(null=True, blank=True)
    history = tracked(excluded_fields=["items", "certificate"])

    class Meta(KeyedModel.Meta):
        ordering = ["-proposed_at", "-id"]
        constraints = [
            *KeyedModel.Meta.constraints,
            known("record_type", "disposal_type_known", "report package document"),
            known("state", "disposal_state_known", "proposed approved running done rejected"),
            models.CheckConstraint(
                condition=Q(first_by__isnull=True) | Q(second_by__isnull=True) | ~Q(first_by=F("second_by")),
                name="disposal_approved_by_two_people",
            ),
            models.CheckConstraint(
                condition=Q(proposed_by__isnull=True)
                | (
                    (Q(first_by__isnull=True) | ~Q(first_by=F("proposed_by")))
                    & (Q(second_by__isnull=True) | ~Q(second_by=F("proposed_by")))
                ),
                name="disposal_not_approved_by_proposer",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["proposed", "rejected"])
                | Q(
                    first_by__isnull=False,
                    second_by__isnull=False,
                    first_at__isnull=False,
                    second_at__isnull=False,
                ),
                name="disposal_after_two_approvals",
            ),
            models.CheckConstraint(
                condition=~Q(state="done")
                | Q(executed_at__isnull=False, certificate__isnull=False) & ~Q(certificate_digest=""),
                name="disposal_done_is_certified",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "proposed_at"],
                condition=Q(state__in=["proposed", "approved", "running"]),
                name="disposal_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.count} {self.get_record_type_display().lower()}"


class DisposedFile(TenantModel):
    """The tombstone of a file: its bytes are gone for good reason, its digest stays, so that proofs still hold."""

    append_only = True

    file = TenantForeignKey(StoredFile, related_name="tombstones")
    disposal = TenantForeignKey(Disposal, related_name="disposed")
    digest = models.CharField(max_length=71)
    size = models.PositiveBigIntegerField()
    disposed_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["-disposed_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "file", "disposal"], name="disposed_once")
        ]

    def __str__(self) -> str:
        return f"{self.digest[:19]}… disposed by {self.disposal.key}"

    @property
    def sentence(self) -> str:
        """What is said in the place of the bytes."""
        day = f"{self.disposed_at:%Y-%m-%d}"
        return f"It was disposed of on {day} under {self.disposal.key}, after its retention. Its digest is {self.digest}."


__all__ = ["Disposal", "DisposedFile", "LegalHold", "RecordType", "RetentionPolicy"]
