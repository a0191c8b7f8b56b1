"""Business calendars: closed periods of the business and public holidays, which the cadence has to respect."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .train import Train

LONGEST_DAYS = 92


class BusinessCalendar(TenantModel):
    """A set of days on which the business does not want changes, for one train or for all."""

    class Kind(models.TextChoices):
        FISCAL = "fiscal", "Fiscal closes"
        REGULATORY = "regulatory", "Regulatory reporting"
        HOLIDAYS = "holidays", "Public holidays"

    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    train = TenantForeignKey(Train, related_name="business_calendars", null=True, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    country = models.CharField(max_length=2, blank=True, help_text="ISO 3166 code, for public holidays.")
    subdivision = models.CharField(max_length=8, blank=True, help_text="E.g. ENG or CA.")
    retired_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="business_calendar_name_once"),
            models.CheckConstraint(
                condition=(Q(kind="holidays") & ~Q(country="")) | Q(kind__in=["fiscal", "regulatory"]),
                name="business_calendar_of_a_country",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ClosedPeriod(TenantModel):
    """Days that are closed: once, or each time an RRULE says so."""

    calendar = TenantForeignKey(BusinessCalendar, related_name="periods")
    name = models.CharField(max_length=120)
    first_day = models.DateField()
    days = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(LONGEST_DAYS)]
    )
    rrule = models.CharField(
        "RRULE", max_length=300, blank=True, help_text="Empty: once. E.g. FREQ=MONTHLY;BYMONTH=3,6,9,12."
    )
    removed_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["first_day", "name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(days__gte=1, days__lte=LONGEST_DAYS), name="closed_period_length"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def scope_path(self) -> list[ScopeKey]:
        train_id = self.calendar.train_id
        return [("train", str(train_id))] if train_id else []
