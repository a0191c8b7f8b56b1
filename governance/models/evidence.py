"""Evidence packages: asked for, built by a worker under a lease, then never changed again; and who downloaded them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from releasetrain.kernel.actor import ScopeKey
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel

from .files import StoredFile


class EvidencePackage(KeyedModel):
    """Everything recorded about a subject in one signed archive. The row is the job that makes it and its receipt."""

    key_prefix = "EVP"

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    class Origin(models.TextChoices):
        ASKED = "asked", "Asked for"
        AUTOMATIC = "automatic", "Made by rule"

    subject_kind = models.CharField("about a", max_length=20)
    subject_id = models.UUIDField(null=True, blank=True)
    label = models.CharField("subject", max_length=200)
    starts = models.DateTimeField("period from", null=True, blank=True)
    ends = models.DateTimeField("period until", null=True, blank=True)
    train = TenantForeignKey("trains.Train", related_name="evidence_packages", null=True, blank=True)
    board = TenantForeignKey("governance.Board", related_name="evidence_packages", null=True, blank=True)
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.ASKED)
    trigger_entry = models.BigIntegerField(
        null=True, blank=True, editable=False, help_text="The ledger entry that made it due."
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    requested_at = models.DateTimeField(default=now)

    version = models.PositiveIntegerField(
        default=1, editable=False, help_text="Counts the packages about the same subject; older ones stay."
    )
    schedule = TenantForeignKey(
        "governance.PackageSchedule", related_name="packages", null=True, blank=True, editable=False
    )

    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    step = models.CharField(max_length=60, blank=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    waiting_for = models.CharField(
        max_length=10,
        blank=True,
        db_default="",
        choices=[("storage", "The file store")],
        help_text="What has to answer before it is built; waiting uses up no attempt.",
    )
    waits = models.PositiveSmallIntegerField(
        default=0, db_default=0, editable=False, help_text="How often in a row it was waited for."
    )
    tries_again_at = models.DateTimeField(null=True, blank=True, editable=False)
    claimed_until = models.DateTimeField(null=True, blank=True)
    lease = models.UUIDField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    file = TenantForeignKey(StoredFile, related_name="evidence_packages", null=True, blank=True)
    manifest_digest = models.CharField(max_length=71, blank=True)
    facts_digest = models.CharField(
        max_length=71, blank=True, help_text="Equal for equal facts, whoever made the package."
    )
    facts_at = models.DateTimeField("facts as of", null=True, blank=True)
    checkpoint_size = models.BigIntegerField(null=True, blank=True)
    checkpoint_root = models.CharField(max_length=64, blank=True)
    sealed_at = models.DateTimeField(null=True, blank=True)
    record_count = models.PositiveIntegerField("records", default=0)
    file_count = models.PositiveIntegerField("files", default=0)
    entry_count = models.PositiveIntegerField("ledger entries", default=0)
    contents = models.JSONField(
        default=dict, help_text="Headings with counts, and what an auditor should look at."
    )

    verified_at = models.DateTimeField(null=True, blank=True)
    verified = models.BooleanField(null=True)
    verified_said = models.TextField("verification", blank=True)

    class Meta(KeyedModel.Meta):
        ordering = ["-requested_at", "-id"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running", "done", "failed", "cancelled"]),
                name="evidence_state_known",
            ),
            models.CheckConstraint(
                condition=Q(waiting_for__in=["", "storage"]), name="evidence_waiting_for_known"
            ),
            models.CheckConstraint(
                condition=Q(origin__in=["asked", "automatic"]), name="evidence_origin_known"
            ),
            models.CheckConstraint(
                condition=Q(subject_id__isnull=False, starts__isnull=True, ends__isnull=True)
                | Q(ends__gt=F("starts")),
                name="evidence_object_or_period",
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="evidence_version_positive"),
            models.CheckConstraint(
                condition=~Q(state="done")
                | Q(file__isnull=False, finished_at__isnull=False, checkpoint_size__isnull=False),
                name="evidence_done_has_file",
            ),
            models.UniqueConstraint(
                fields=["organization", "subject_kind", "trigger_entry"],
                condition=Q(trigger_entry__isnull=False),
                name="evidence_once_per_trigger",
            ),
            models.UniqueConstraint(
                fields=["organization", "schedule", "starts"],
                condition=Q(schedule__isnull=False),
                name="evidence_once_per_scheduled_period",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-requested_at", "-id"], name="evidence_recent"),
            models.Index(fields=["organization", "subject_kind", "subject_id"], name="evidence_of_subject"),
            models.Index(
                fields=["organization", "requested_at"],
                condition=Q(state__in=["queued", "running"]),
                name="evidence_at_work",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.label}"

    @property
    def title(self) -> str:
        """What links say beside the key."""
        return self.label

    @property
    def is_settled(self) -> bool:
        return self.state not in (self.State.QUEUED, self.State.RUNNING)

    @property
    def file_name(self) -> str:
        """What a download is called; made of keys only, never of what somebody wrote."""
        return f"evidence-{self.key}.zip"

    def scope_path(self) -> list[ScopeKey]:
        path: list[ScopeKey] = [("evidencepackage", str(self.pk))]
        if self.train_id:
            path.append(("train", str(self.train_id)))
        if self.board_id:
            path.append(("board", str(self.board_id)))
        return path


class PackageDownload(TenantModel):
    """Somebody took a package out of the system."""

    append_only = True

    package = TenantForeignKey(EvidencePackage, related_name="downloads")
    file = TenantForeignKey(StoredFile, related_name="downloads")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    route = models.CharField(max_length=20)
    address = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["organization", "package", "-at"], name="download_of_package")]

    def __str__(self) -> str:
        return f"{self.package.key} by {self.user or 'system'}"

    def scope_path(self) -> list[ScopeKey]:
        return self.package.scope_path()
