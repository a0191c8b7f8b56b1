"""Impediments that a team raises and the RTE works, and interruptions of what an iteration had promised."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel


class Impediment(KeyedModel):
    """What keeps a team from its work and is beyond its own reach."""

    class State(models.TextChoices):
        RAISED = "raised", "Raised"
        WORKING = "working", "In work"
        RESOLVED = "resolved", "Resolved"
        DROPPED = "dropped", "Dropped"

    key_prefix = "IMP"

    team = TenantForeignKey("trains.Team", related_name="impediments")
    pi = TenantForeignKey(
        "trains.ProgramIncrement",
        related_name="impediments",
        null=True,
        blank=True,
        verbose_name="Program Increment",
    )
    feature = TenantForeignKey("planning.Feature", related_name="impediments", null=True, blank=True)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RAISED)
    raised_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    raised_at = models.DateTimeField()
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolution = models.CharField(max_length=500, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        abstract = False
        ordering = ["-raised_at"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(state__in=["raised", "working", "resolved", "dropped"]),
                name="impediment_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="working") | Q(owner__isnull=False), name="impediment_worked_by_somebody"
            ),
        ]
        indexes = [models.Index(fields=["organization", "state", "raised_at"], name="impediment_open")]

    def age(self, moment: datetime) -> timedelta:
        """How long it stood, or has stood until this moment."""
        return (self.resolved_at or moment) - self.raised_at

    def scope_path(self) -> list[ScopeKey]:
        return [
            ("impediment", str(self.pk)),
            ("team", str(self.team_id)),
            ("train", str(self.team.train_id)),
        ]


class Interruption(TenantModel):
    """Hours of an iteration that went into something else than what was promised."""

    class Cause(models.TextChoices):
        INCIDENT = "incident", "Incident"
        SUPPORT = "support", "Support request"
        IMPEDIMENT = "impediment", "Impediment"
        COMPLIANCE = "compliance", "Audit or compliance"
        OTHER_TEAM = "other_team", "Help for another team"
        MANAGEMENT = "management", "Asked by management"
        OTHER = "other", "Other"

    team = TenantForeignKey("trains.Team", related_name="interruptions")
    iteration = TenantForeignKey("trains.Iteration", related_name="interruptions")
    on = models.DateField()
    hours = models.DecimalField(max_digits=6, decimal_places=2)
    cause = models.CharField(max_length=12, choices=Cause.choices)
    what = models.CharField(max_length=200)
    impediment = TenantForeignKey(Impediment, related_name="interruptions", null=True, blank=True)
    feature = TenantForeignKey(
        "planning.Feature",
        related_name="interruptions",
        null=True,
        blank=True,
        verbose_name="feature that waited",
    )
    logged_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    history = tracked()

    class Meta:
        ordering = ["-on", "-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(hours__gt=Decimal(0), hours__lte=Decimal(1000)), name="interruption_hours_sane"
            ),
            models.CheckConstraint(
                condition=Q(
                    cause__in=[
                        "incident",
                        "support",
                        "impediment",
                        "compliance",
                        "other_team",
                        "management",
                        "other",
                    ]
                ),
                name="interruption_cause_known",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "iteration", "team"], name="interruption_of_iteration")
        ]

    def __str__(self) -> str:
        return self.what

    def scope_path(self) -> list[ScopeKey]:
        return [("team", str(self.team_id)), ("train", str(self.team.train_id))]
