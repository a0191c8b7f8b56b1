"""The closing of an organization: asked for by one owner, confirmed by another, done after a time; what remains is this row."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from releasetrain.kernel.clock import now
from releasetrain.kernel.ids import uuid7


class Closing(models.Model):
    """It outlives the organization, whose rows it says were removed, and belongs to no tenant."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    former_id = models.UUIDField(help_text="The organization's id.")
    slug = models.CharField(max_length=40)
    name = models.CharField(max_length=120)
    reason = models.CharField(max_length=500)
    asked_by = models.UUIDField()
    asked_at = models.DateTimeField(default=now)
    confirmed_by = models.UUIDField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)
    certificate = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["former_id"], condition=Q(withdrawn_at__isnull=True), name="closing_once"
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by__isnull=True) | ~Q(confirmed_by=F("asked_by")),
                name="closing_confirmed_by_another",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by__isnull=True, due_at__isnull=True)
                | Q(confirmed_by__isnull=False, confirmed_at__isnull=False, due_at__gt=F("confirmed_at")),
                name="closing_waits",
            ),
            models.CheckConstraint(
                condition=Q(removed_at__isnull=True)
                | Q(withdrawn_at__isnull=True, due_at__isnull=False, removed_at__gte=F("due_at")),
                name="closing_removed_when_due",
            ),
        ]

    def __str__(self) -> str:
        return f"closing of {self.slug}"
