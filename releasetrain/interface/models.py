"""What the interface itself remembers: saved views of lists, and answers given under an idempotency key."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from releasetrain.tenancy.models import TenantModel


class SavedView(TenantModel):
    """A list with its search, filters and order under a name; private to its owner unless shared."""

    name = models.CharField(max_length=80)
    listed = models.CharField("list", max_length=80, help_text="The list's word in addresses, e.g. releases.")
    query = models.CharField(
        max_length=2000, blank=True, help_text="The list's address behind the question mark."
    )
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    shared = models.BooleanField(default=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "owner", "listed", "name"], name="saved_view_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class IdempotentReply(TenantModel):
    """The answer to a request with an Idempotency-Key, kept for a day; encrypted, for it may hold a secret."""

    user_id = models.UUIDField()
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=71)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.BinaryField()

    class Meta:
        verbose_name_plural = "idempotent replies"
        constraints = [
            models.UniqueConstraint(fields=["organization", "user_id", "key"], name="idempotent_reply_once")
        ]
        indexes = [models.Index(fields=["organization", "created_at"], name="idempotent_reply_age")]

    def __str__(self) -> str:
        return self.key
