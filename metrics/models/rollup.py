"""Roll-ups of deliveries: for each service, day and purpose the counts and times that every figure is put together from.

They are derived: the database notes in `Touched` which moments of which services an event concerned, a worker computes
those days anew, and readers compute for themselves whatever is still noted. So nothing here is ever believed when late.
"""

from __future__ import annotations

from django.db import models

from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel
from trains.models.service import service_scopes


class Delivered(TenantModel):
    """What one service delivered to production with one purpose: counts, and times one by one (64-bit microseconds,
    little-endian), because medians of medians are no medians."""

    deployments = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    rework = models.PositiveIntegerField(default=0)
    aborted = models.PositiveIntegerField(default=0)
    unfinished = models.PositiveIntegerField(default=0)
    deployed_before = models.PositiveIntegerField(default=0)
    carrying_committed = models.PositiveIntegerField(default=0)
    carrying_opened = models.PositiveIntegerField(default=0)
    carrying_merged = models.PositiveIntegerField(default=0)
    no_start_committed = models.PositiveIntegerField(default=0)
    no_start_opened = models.PositiveIntegerField(default=0)
    no_start_merged = models.PositiveIntegerField(default=0)
    negative_committed = models.PositiveIntegerField(default=0)
    negative_opened = models.PositiveIntegerField(default=0)
    negative_merged = models.PositiveIntegerField(default=0)
    not_restored = models.PositiveIntegerField(default=0)
    restored_before = models.PositiveIntegerField(default=0)
    proposed = models.PositiveIntegerField(default=0)
    disputed = models.PositiveIntegerField(default=0)
    contributed = models.PositiveIntegerField(default=0)
    known_commits = models.PositiveIntegerField(
        default=0, help_text="Deployments other than rollbacks that carry commits."
    )
    new_commits = models.PositiveIntegerField(
        default=0, help_text="Commits that the service got for the first time."
    )
    unsized_commits = models.PositiveIntegerField(
        default=0, help_text="New commits of which nobody said how many lines they change."
    )
    new_lines = models.PositiveBigIntegerField(
        default=0, help_text="Lines that new commits added or removed."
    )
    finished = models.BinaryField(default=b"")
    lead_committed = models.BinaryField(default=b"")
    lead_opened = models.BinaryField(default=b"")
    lead_merged = models.BinaryField(default=b"")
    recovery = models.BinaryField(default=b"")

    class Meta(TenantModel.Meta):
        abstract = True


class ServiceDay(Delivered):
    """One day of one service's deployments to production, of one purpose; days are the organization's."""

    service = TenantForeignKey("trains.Service", related_name="+", db_index=False)
    day = models.DateField()
    purpose = models.CharField(max_length=12)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "service", "day", "purpose"], name="service_day_once"
            )
        ]
        indexes = [models.Index(fields=["organization", "day"], name="service_day_by_day")]

    def __str__(self) -> str:
        return f"{self.service_id} {self.day} {self.purpose}"

    def scope_path(self) -> list[ScopeKey]:
        return service_scopes(self.service)


class ServiceSpan(Delivered):
    """A week or a month of a service's days together; `day` is its first. The database adds up days as they are written,
    so a span says what its days say, and is believed when they are."""

    class Length(models.TextChoices):
        WEEK = "week", "Week"
        MONTH = "month", "Month"

    service = TenantForeignKey("trains.Service", related_name="+", db_index=False)
    length = models.CharField(max_length=5, choices=Length.choices)
    day = models.DateField()
    purpose = models.CharField(max_length=12)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "service", "length", "day", "purpose"], name="service_span_once"
            )
        ]
        indexes = [models.Index(fields=["organization", "length", "day"], name="service_span_by_day")]

    def __str__(self) -> str:
        return f"{self.service_id} {self.length} of {self.day} {self.purpose}"

    def scope_path(self) -> list[ScopeKey]:
        return service_scopes(self.service)


class Touched(TenantModel):
    """A moment of a service whose roll-up no longer tells the truth. Written by the database, any number of times."""

    service = TenantForeignKey("trains.Service", related_name="+", db_index=False)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["organization", "at"], name="touched_by_moment")]

    def __str__(self) -> str:
        return f"{self.service_id} {self.at:%Y-%m-%d %H:%M}"

    def scope_path(self) -> list[ScopeKey]:
        return service_scopes(self.service)
