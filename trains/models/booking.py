"""Shared resources (environments, test data, devices, specialists) and the windows releases book of them."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.constraints import Deferrable

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel

from .release import Release
from .service import Environment
from .train import Train

MOST_UNITS = 200


class During(Func):
    """The half-open window [starts, ends) of a row as a range of PostgreSQL."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class SharedResource(TenantModel):
    """Something releases share: one unit is exclusive, more are counted."""

    class Kind(models.TextChoices):
        ENVIRONMENT = "environment", "Environment"
        TEST_DATA = "test_data", "Test data"
        DEVICE = "device", "Device"
        SPECIALIST = "specialist", "Specialist"

    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    environment = TenantForeignKey(Environment, related_name="resources", null=True, blank=True)
    train = TenantForeignKey(Train, related_name="resources", null=True, blank=True)
    capacity = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_UNITS)],
        help_text="1: one release at a time.",
    )
    decider = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="decides conflicts",
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    description = models.TextField(blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="shared_resource_name_once"),
            models.CheckConstraint(
                condition=Q(capacity__gte=1, capacity__lte=MOST_UNITS), name="shared_resource_capacity"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["environment", "test_data", "device", "specialist"]),
                name="shared_resource_kind_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Booking(KeyedModel):
    """A release has, or waits for, one unit of a shared resource from `starts` up to, not including, `ends`."""

    key_prefix = "BKG"

    class State(models.TextChoices):
        BOOKED = "booked", "Booked"
        QUEUED = "queued", "Queued"
        CANCELLED = "cancelled", "Cancelled"

    resource = TenantForeignKey(SharedResource, related_name="bookings")
    release = TenantForeignKey(Release, related_name="bookings")
    starts = models.DateTimeField()
    ends = models.DateTimeField()
    purpose = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.BOOKED)
    # Which of the counted units; units are alike, so a booking may change its unit to make room for another.
    unit = models.PositiveSmallIntegerField(null=True, blank=True)
    impact = models.PositiveSmallIntegerField(
        "business impact",
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(4)],
        help_text="1 is served first; the risk tier of the release unless said otherwise.",
    )
    escalated_at = models.DateTimeField(null=True, blank=True)
    escalation = models.TextField(blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["starts", "key"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="booking_ends_after_start"),
            models.CheckConstraint(
                condition=Q(state="booked", unit__gte=1)
                | (Q(unit__isnull=True) & Q(state__in=["queued", "cancelled"])),
                name="booking_has_unit_when_booked",
            ),
            models.CheckConstraint(condition=Q(impact__gte=1, impact__lte=4), name="booking_impact_known"),
            models.CheckConstraint(
                condition=Q(escalated_at__isnull=True) | ~Q(escalation=""),
                name="booking_escalation_has_reason",
            ),
            ExclusionConstraint(
                name="booking_unit_once",
                expressions=[
                    (F("organization"), RangeOperators.EQUAL),
                    (F("resource"), RangeOperators.EQUAL),
                    (F("unit"), RangeOperators.EQUAL),
                    (During("starts", "ends", RangeBoundary()), RangeOperators.OVERLAPS),
                ],
                condition=Q(state="booked"),
                deferrable=Deferrable.IMMEDIATE,
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "resource", "state", "starts"], name="booking_by_resource"),
            models.Index(fields=["organization", "starts"], name="booking_by_start"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.resource}"

    def scope_path(self) -> list[ScopeKey]:
        return [("release", str(self.release_id)), ("train", str(self.release.train_id))]
