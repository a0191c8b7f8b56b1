"""The people of a team, when they are away, and by which rule their days become capacity."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel


class CapacityProfile(TenantModel):
    """How a team's days become points: public holidays of its region, the load that is planned, what history taught."""

    team = TenantForeignKey("trains.Team", related_name="capacity_profiles")
    region = models.CharField(
        max_length=12, blank=True, help_text="Country, or country and part: DE, DE-BY, GB-ENG."
    )
    load_factor = models.DecimalField(max_digits=3, decimal_places=2, default=Decimal("0.80"))
    use_history = models.BooleanField(default=True)
    history = tracked()

    class Meta:
        ordering = ["team"]
        constraints = [
            models.UniqueConstraint(fields=["team"], name="capacity_profile_once"),
            models.CheckConstraint(
                condition=Q(load_factor__gt=0, load_factor__lte=1), name="capacity_profile_load_within"
            ),
        ]

    def __str__(self) -> str:
        return f"Capacity rule of {self.team}"

    def scope_path(self) -> list[ScopeKey]:
        return [("team", str(self.team_id)), ("train", str(self.team.train_id))]


class TeamPerson(TenantModel):
    """Somebody who gives a share of the working time to a team, from one day up to and with another."""

    team = TenantForeignKey("trains.Team", related_name="persons")
    name = models.CharField(max_length=120)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    share = models.DecimalField(max_digits=3, decimal_places=2, default=Decimal("1.00"))
    first_day = models.DateField(null=True, blank=True)
    last_day = models.DateField(null=True, blank=True)
    history = tracked()

    class Meta:
        verbose_name = "person of a team"
        verbose_name_plural = "persons of teams"
        ordering = ["team", "name"]
        constraints = [
            models.UniqueConstraint(fields=["team", "name"], name="team_person_once"),
            models.CheckConstraint(condition=Q(share__gt=0, share__lte=1), name="team_person_share_within"),
            models.CheckConstraint(
                condition=Q(first_day__isnull=True)
                | Q(last_day__isnull=True)
                | Q(last_day__gte=F("first_day")),
                name="team_person_days_in_order",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def there_on(self, day: date) -> bool:
        """Whether the person belongs to the team on that day."""
        return (self.first_day is None or self.first_day <= day) and (
            self.last_day is None or day <= self.last_day
        )

    def scope_path(self) -> list[ScopeKey]:
        return [("team", str(self.team_id)), ("train", str(self.team.train_id))]


class Absence(TenantModel):
    """Days on which a person is away, both ends included."""

    person = TenantForeignKey(TeamPerson, related_name="absences")
    first_day = models.DateField()
    last_day = models.DateField()
    note = models.CharField(max_length=120, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["first_day"]
        constraints = [
            models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="absence_days_in_order")
        ]
        indexes = [models.Index(fields=["organization", "person", "first_day"], name="absence_of_person")]

    def __str__(self) -> str:
        return f"{self.person} away from {self.first_day} to {self.last_day}"

    def scope_path(self) -> list[ScopeKey]:
        return self.person.scope_path()
