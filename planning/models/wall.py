"""Links of wall screens: read-only, without a login, and revocable."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.tenancy.models import TenantForeignKey, TenantModel


class WallLink(TenantModel):
    """A link that shows one train's wall screen and nothing else. Only the hash of its secret is kept."""

    train = TenantForeignKey("trains.Train", related_name="wall_links")
    name = models.CharField(max_length=80, help_text="Where the screen hangs.")
    secret_hash = models.CharField(max_length=64, blank=True, editable=False)
    seconds = models.PositiveSmallIntegerField("seconds per slide", default=20)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    history = tracked()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "secret_hash"],
                condition=~Q(secret_hash=""),  # nosec B106
                name="wall_link_secret_once",
            ),
            models.CheckConstraint(condition=Q(seconds__range=(5, 600)), name="wall_link_seconds_5_to_600"),
        ]

    def __str__(self) -> str:
        return self.name

    def lives(self, at: datetime) -> bool:
        """Whether the screen may still show something."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > at)
