"""The archive of everything that an organization has here, made by a worker and kept for some days."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.tenancy.models import KeyedModel


class OrganizationArchive(KeyedModel):
    """One export of all rows of the organization, as JSON lines with a digest for each table."""

    key_prefix = "EXP"

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        READY = "ready", "Ready"
        EXPIRED = "expired", "Expired"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    reason = models.CharField(max_length=300)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    tables = models.PositiveIntegerField(default=0)
    rows = models.PositiveBigIntegerField(default=0)
    size = models.PositiveBigIntegerField("bytes", default=0)
    digest = models.CharField(max_length=71, blank=True)
    manifest = models.JSONField(default=dict, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField("downloadable until", null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True, blank=True)
    lease = models.UUIDField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["-created_at"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running", "ready", "expired", "failed", "cancelled"]),
                name="organization_archive_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="ready") | (Q(expires_at__isnull=False) & ~Q(digest="")),
                name="organization_archive_ready_is_whole",
            ),
            # One at a time: it reads everything there is.
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(state__in=["queued", "running"]),
                name="organization_archive_one_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return self.key
