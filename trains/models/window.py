"""Windows that recur by wall clock, and what a release may do with its date."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .release import Release
from .service import Environment, Service, service_scopes
from .vendor import Vendor

LONGEST_MINUTES = 7 * 24 * 60


class RecurringWindow(TenantModel):
    """A window that recurs by an RRULE (RFC 5545) in its zone: the wall clock stays, the offset may change."""

    class Kind(models.TextChoices):
        DEPLOYMENT = "deployment", "Deployment window of a service"
        VENDOR = "vendor", "Update window of a vendor"
        MAINTENANCE = "maintenance", "Maintenance of an environment"

    kind = models.CharField(max_length=12, choices=Kind.choices)
    name = models.CharField(max_length=120)
    service = TenantForeignKey(Service, related_name="windows", null=True, blank=True)
    vendor = TenantForeignKey(Vendor, related_name="windows", null=True, blank=True)
    environment = TenantForeignKey(Environment, related_name="windows", null=True, blank=True)
    # The first occurrence by the wall clock of the zone; PostgreSQL keeps no zone for it, so it is day and time.
    first_day = models.DateField()
    first_time = models.TimeField()
    minutes = models.PositiveIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_MINUTES)]
    )
    time_zone = models.CharField(max_length=64)
    rrule = models.CharField("RRULE", max_length=300, help_text="E.g. FREQ=MONTHLY;BYDAY=-1SA.")
    retired_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind="deployment",
                    service__isnull=False,
                    vendor__isnull=True,
                    environment__isnull=True,
                )
                | Q(kind="vendor", vendor__isnull=False, service__isnull=True, environment__isnull=True)
                | Q(
                    kind="maintenance",
                    environment__isnull=False,
                    service__isnull=True,
                    vendor__isnull=True,
                ),
                name="window_is_of_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(minutes__gte=1, minutes__lte=LONGEST_MINUTES), name="window_length"
            ),
        ]
        indexes = [models.Index(fields=["organization", "kind"], name="window_by_kind")]

    def __str__(self) -> str:
        return self.name

    def scope_path(self) -> list[ScopeKey]:
        if self.service_id:
            return service_scopes(self.service)
        train_id = self.environment.train_id if self.environment_id else None
        return [("train", str(train_id))] if train_id else []


class ReleaseMember(TenantModel):
    """A service that a release will deploy, said before its build is attached."""

    release = TenantForeignKey(Release, related_name="members")
    service = TenantForeignKey(Service, related_name="memberships")
    removed_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["service__name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "release", "service"],
                condition=Q(removed_at__isnull=True),
                name="release_member_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.service} in {self.release}"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.release.train_id))]


class AllowedWindow(TenantModel):
    """Between which moments the target of a release may be moved."""

    release = TenantForeignKey(Release, related_name="allowed_windows")
    earliest = models.DateTimeField()
    latest = models.DateTimeField()
    reason = models.CharField(max_length=300, blank=True)
    history = tracked()

    class Meta:
        ordering = ["earliest", "id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "release"], name="allowed_window_once"),
            models.CheckConstraint(
                condition=Q(latest__gt=F("earliest")), name="allowed_window_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.release.key}: {self.earliest:%Y-%m-%d} to {self.latest:%Y-%m-%d}"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.release.train_id))]


class LoadLimit(TenantModel):
    """How much release load a shared service, a team or a support desk takes in a week."""

    class Kind(models.TextChoices):
        SERVICE = "service", "Shared service"
        TEAM = "team", "Team"
        DESK = "desk", "Support desk"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    name = models.CharField(max_length=120)
    service = TenantForeignKey(Service, related_name="load_limits", null=True, blank=True)
    team = TenantForeignKey("trains.Team", related_name="load_limits", null=True, blank=True)
    # A desk without a train answers for the releases of all trains.
    train = TenantForeignKey("trains.Train", related_name="load_limits", null=True, blank=True)
    weekly = models.PositiveSmallIntegerField(
        "load a week",
        help_text="A release of tier 1 loads with 4, of tier 2 with 3, of tier 3 with 2, of tier 4 with 1.",
    )
    history = tracked()

    class Meta:
        ordering = ["kind", "name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="load_limit_name_once"),
            models.CheckConstraint(
                condition=Q(kind="service", service__isnull=False, team__isnull=True)
                | Q(kind="team", team__isnull=False, service__isnull=True)
                | Q(kind="desk", team__isnull=True, service__isnull=True),
                name="load_limit_is_of_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return self.name
