"""Program Increments, their iterations and milestones."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .train import Train


class ProgramIncrement(TenantModel):
    """One beat of a train's cadence: the days from `starts` up to, not including, `ends`."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        PLANNING = "planning", "Planning"
        COMMITTED = "committed", "Committed"
        ACTIVE = "active", "Active"
        CLOSED = "closed", "Closed"

    train = TenantForeignKey(Train, related_name="increments")
    name = models.CharField(max_length=40)
    starts = models.DateField()
    ends = models.DateField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.DRAFT)
    committed_at = models.DateTimeField(null=True, blank=True)
    committed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    history = tracked()

    class Meta:
        verbose_name = "Program Increment"
        ordering = ["-starts", "name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "train", "name"], name="increment_name_once"),
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="increment_ends_after_start"),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "planning", "committed", "active", "closed"]),
                name="increment_state_known",
            ),
        ]

    def __str__(self) -> str:
        return f"PI {self.name}"

    @property
    def title(self) -> str:
        """What links say."""
        return str(self)


class Iteration(TenantModel):
    """One iteration of a Program Increment; the last one may be for innovation and planning."""

    pi = TenantForeignKey(ProgramIncrement, related_name="iterations")
    number = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=40)
    starts = models.DateField()
    ends = models.DateField()
    innovation = models.BooleanField(default=False)
    history = tracked()

    class Meta:
        ordering = ["starts", "number"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "pi", "number"], name="iteration_number_once"),
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="iteration_ends_after_start"),
        ]

    def __str__(self) -> str:
        return self.name

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.pi.train_id))]


class Milestone(TenantModel):
    """A day that matters to a train."""

    class Kind(models.TextChoices):
        EVENT = "event", "Event"
        DEADLINE = "deadline", "Deadline"
        REGULATORY = "regulatory", "Regulatory deadline"
        INTEGRATION = "integration", "Integration point"

    train = TenantForeignKey(Train, related_name="milestones")
    pi = TenantForeignKey(ProgramIncrement, related_name="milestones", null=True, blank=True)
    name = models.CharField(max_length=120)
    on = models.DateField()
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.EVENT)
    history = tracked()

    class Meta:
        ordering = ["on", "name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["event", "deadline", "regulatory", "integration"]),
                name="milestone_kind_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name
