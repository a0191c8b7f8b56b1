"""Documents attached to an object as evidence: a file by its digest, and what it was attached to by whom."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .files import StoredFile


class Attachment(TenantModel):
    """A document that belongs to an object. Who may see the object may read it; nothing of it ever changes."""

    object_kind = models.CharField("kind of object", max_length=60)
    object_id = models.UUIDField("id of the object")
    object_label = models.CharField("attached to", max_length=200)
    name = models.CharField("file name", max_length=150)
    media_type = models.CharField("type", max_length=100)
    note = models.CharField(max_length=500, blank=True)
    file = TenantForeignKey(StoredFile, related_name="attachments")
    attached_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_reason = models.CharField(max_length=300, blank=True)
    history = tracked()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "object_kind", "object_id", "file"],
                condition=Q(withdrawn_at__isnull=True),
                name="attachment_once",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_reason="")
                | (Q(withdrawn_at__isnull=False) & ~Q(withdrawn_reason="")),
                name="attachment_withdrawn_for_a_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "object_kind", "object_id"], name="attachment_of_object")
        ]

    def __str__(self) -> str:
        return self.name
