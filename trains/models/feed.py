"""Calendar subscriptions: a secret address for one person, which can be taken back."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from releasetrain.audit.history import tracked
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .train import Train


class CalendarFeed(TenantModel):
    """A person's iCalendar subscription. The secret of its address is kept as a hash only."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    name = models.CharField(max_length=80)
    train = TenantForeignKey(Train, related_name="feeds", null=True, blank=True)
    secret_hash = models.BinaryField(editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "secret_hash"], name="calendar_feed_secret_once")
        ]
        indexes = [models.Index(fields=["organization", "user"], name="calendar_feed_by_user")]

    def __str__(self) -> str:
        return self.name
