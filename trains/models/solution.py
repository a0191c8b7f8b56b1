"""Solution trains: several trains that integrate into one solution, their increments and integration points."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel

from .train import Train


class SolutionTrain(KeyedModel):
    """Trains that build one solution together."""

    key_prefix = "SOL"

    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["key"]

    def __str__(self) -> str:
        return self.name


class SolutionMember(TenantModel):
    """A train of a solution train. A train belongs to one solution at a time."""

    solution = TenantForeignKey(SolutionTrain, related_name="members")
    train = TenantForeignKey(Train, related_name="solutions")
    left_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["train__key"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "train"],
                condition=Q(left_at__isnull=True),
                name="solution_member_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.train} in {self.solution}"


class SolutionIncrement(TenantModel):
    """A Program Increment of the solution: the days from `starts` up to, not including, `ends`."""

    solution = TenantForeignKey(SolutionTrain, related_name="increments")
    name = models.CharField(max_length=40)
    starts = models.DateField()
    ends = models.DateField()
    goal = models.TextField(blank=True)
    history = tracked()

    class Meta:
        ordering = ["-starts", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "solution", "name"], name="solution_increment_name_once"
            ),
            models.CheckConstraint(
                condition=Q(ends__gt=F("starts")), name="solution_increment_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.solution} {self.name}"


class SolutionMilestone(TenantModel):
    """A day that matters to the solution; at an integration point every train says how ready it is."""

    class Kind(models.TextChoices):
        MILESTONE = "milestone", "Milestone"
        INTEGRATION = "integration", "Integration point"

    solution = TenantForeignKey(SolutionTrain, related_name="milestones")
    name = models.CharField(max_length=120)
    on = models.DateField()
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.MILESTONE)
    what = models.TextField(
        "what comes together", blank=True, help_text="What must work together on that day."
    )
    history = tracked()

    class Meta:
        ordering = ["on", "name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["milestone", "integration"]), name="solution_milestone_kind_known"
            )
        ]

    def __str__(self) -> str:
        return self.name


class TrainReadiness(TenantModel):
    """How ready a train is for an integration point, as its own side says, with what shows it."""

    class State(models.TextChoices):
        NOT_READY = "not_ready", "Not ready"
        AT_RISK = "at_risk", "At risk"
        READY = "ready", "Ready"

    point = TenantForeignKey(SolutionMilestone, related_name="readiness")
    train = TenantForeignKey(Train, related_name="readiness")
    state = models.CharField(max_length=10, choices=State.choices)
    evidence = models.CharField(max_length=500, blank=True)
    said_at = models.DateTimeField()
    said_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    history = tracked()

    class Meta:
        verbose_name_plural = "train readiness"
        ordering = ["point", "train__key"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "point", "train"], name="train_readiness_once"),
            models.CheckConstraint(
                condition=Q(state__in=["not_ready", "at_risk", "ready"]), name="train_readiness_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="ready") | ~Q(evidence=""), name="train_readiness_shown"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.train} for {self.point}"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.train_id))]
