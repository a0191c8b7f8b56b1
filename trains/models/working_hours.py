"""Working hours of teams and people in their zones, and the ceremonies that have to find a time for all."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .train import Team, Train


class WorkingHours(TenantModel):
    """When a team or a person works, by the wall clock of their zone; days as digits, 1 is Monday."""

    team = TenantForeignKey(Team, related_name="working_hours", null=True, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True
    )
    time_zone = models.CharField(max_length=64)
    days = models.CharField(max_length=7, default="12345", help_text="1 is Monday, 7 is Sunday.")
    begins = models.TimeField()
    finishes = models.TimeField()
    history = tracked()

    class Meta:
        verbose_name_plural = "working hours"
        ordering = ["created_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(team__isnull=False, user__isnull=True) | Q(team__isnull=True, user__isnull=False),
                name="working_hours_of_one",
            ),
            models.UniqueConstraint(
                fields=["organization", "team"],
                condition=Q(team__isnull=False),
                name="working_hours_team_once",
            ),
            models.UniqueConstraint(
                fields=["organization", "user"],
                condition=Q(user__isnull=False),
                name="working_hours_user_once",
            ),
            models.CheckConstraint(
                condition=Q(finishes__gt=F("begins")), name="working_hours_finish_after_begin"
            ),
            models.CheckConstraint(condition=Q(days__regex=r"^[1-7]+$"), name="working_hours_days_known"),
        ]

    def __str__(self) -> str:
        return f"{self.team or self.user}: {self.begins:%H:%M}–{self.finishes:%H:%M} {self.time_zone}"

    def scope_path(self) -> list[ScopeKey]:
        return [("team", str(self.team_id)), ("train", str(self.team.train_id))] if self.team_id else []


class TrainMeeting(TenantModel):
    """A meeting of a train that recurs: its times are proposed by overlap, and the pain goes round."""

    train = TenantForeignKey(Train, related_name="train_meetings")
    name = models.CharField(max_length=120)
    minutes = models.PositiveSmallIntegerField(
        default=60, validators=[MinValueValidator(15), MaxValueValidator(480)]
    )
    every_weeks = models.PositiveSmallIntegerField(
        default=2, validators=[MinValueValidator(1), MaxValueValidator(26)]
    )
    retired_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        verbose_name_plural = "train meetings"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "train", "name"], name="train_meeting_name_once"),
            models.CheckConstraint(
                condition=Q(minutes__gte=15, minutes__lte=480, every_weeks__gte=1, every_weeks__lte=26),
                name="train_meeting_fits",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class TrainMeetingParty(TenantModel):
    """A person whose attendance counts beside that of the train's teams."""

    ceremony = TenantForeignKey(TrainMeeting, related_name="parties")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    history = tracked()

    class Meta:
        verbose_name_plural = "train meeting parties"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "ceremony", "user"], name="train_meeting_party_once"
            )
        ]

    def __str__(self) -> str:
        return str(self.user)

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.ceremony.train_id))]


class TrainMeetingSlot(TenantModel):
    """A date of a ceremony, [starts, ends)."""

    ceremony = TenantForeignKey(TrainMeeting, related_name="slots")
    starts = models.DateTimeField()
    ends = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["starts", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends__gt=F("starts")), name="train_meeting_slot_ends_after_start"
            ),
            models.UniqueConstraint(
                fields=["organization", "ceremony", "starts"],
                condition=Q(cancelled_at__isnull=True),
                name="train_meeting_slot_once",
            ),
        ]
        indexes = [models.Index(fields=["organization", "starts"], name="train_meeting_slot_by_start")]

    def __str__(self) -> str:
        return f"{self.ceremony} {self.starts:%Y-%m-%d %H:%M} UTC"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.ceremony.train_id))]
