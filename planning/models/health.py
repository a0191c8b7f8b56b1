"""Agile health: ceremonies with what they agreed, and how teams see themselves over time."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel


class CeremonyKind(models.TextChoices):
    """The meetings of a train and its teams."""

    ITERATION_PLANNING = "iteration_planning", "Iteration planning"
    TEAM_SYNC = "team_sync", "Team sync"
    ITERATION_REVIEW = "iteration_review", "Iteration review"
    RETROSPECTIVE = "retrospective", "Iteration retrospective"
    COACH_SYNC = "coach_sync", "Coach sync"
    PO_SYNC = "po_sync", "PO sync"
    SYSTEM_DEMO = "system_demo", "System demo"
    INSPECT_ADAPT = "inspect_adapt", "Inspect & adapt"


class Ceremony(KeyedModel):
    """One meeting that was held: who facilitated it and what came of it."""

    key_prefix = "CER"

    train = TenantForeignKey("trains.Train", related_name="ceremonies")
    team = TenantForeignKey("trains.Team", related_name="ceremonies", null=True, blank=True)
    kind = models.CharField(max_length=20, choices=CeremonyKind.choices)
    held_at = models.DateTimeField()
    facilitator = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    present = models.PositiveSmallIntegerField("people present", null=True, blank=True)
    notes = models.TextField(blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        abstract = False
        verbose_name_plural = "ceremonies"
        ordering = ["-held_at"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(condition=Q(kind__in=CeremonyKind.values), name="ceremony_kind_known"),
        ]
        indexes = [models.Index(fields=["organization", "train", "held_at"], name="ceremony_of_train")]

    @property
    def title(self) -> str:
        return self.get_kind_display()


class CeremonyAction(KeyedModel):
    """Something a ceremony agreed to do."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        DONE = "done", "Done"
        DROPPED = "dropped", "Dropped"

    key_prefix = "CACT"

    ceremony = TenantForeignKey(Ceremony, related_name="actions")
    title = models.CharField(max_length=200)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    due_on = models.DateField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    finished_on = models.DateField(null=True, blank=True)
    outcome = models.CharField(max_length=300, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        abstract = False
        verbose_name = "ceremony action"
        ordering = ["due_on"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(state__in=["open", "done", "dropped"]), name="ceremony_action_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="open", finished_on__isnull=True)
                | (~Q(state="open") & Q(finished_on__isnull=False)),
                name="ceremony_action_finished_when",
            ),
        ]
        indexes = [models.Index(fields=["organization", "state", "due_on"], name="ceremony_action_due")]

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.ceremony.train_id))]


class Assessment(TenantModel):
    """How a team saw itself on a day; its answers are 1 to 5 per dimension."""

    team = TenantForeignKey("trains.Team", related_name="assessments")
    held_on = models.DateField()
    facilitator = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    note = models.TextField(blank=True)
    history = tracked()

    class Meta:
        verbose_name = "self-assessment"
        ordering = ["-held_on"]
        constraints = [models.UniqueConstraint(fields=["team", "held_on"], name="assessment_once_a_day")]

    def __str__(self) -> str:
        return f"{self.team}, {self.held_on}"

    def scope_path(self) -> list[ScopeKey]:
        return [("team", str(self.team_id)), ("train", str(self.team.train_id))]


class AssessmentScore(TenantModel):
    """One answer of a self-assessment."""

    append_only = True

    assessment = TenantForeignKey(Assessment, related_name="scores")
    dimension = models.CharField(max_length=20)
    score = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["assessment", "dimension"]
        constraints = [
            models.UniqueConstraint(fields=["assessment", "dimension"], name="assessment_score_once"),
            models.CheckConstraint(condition=Q(score__range=(1, 5)), name="assessment_score_1_to_5"),
        ]

    def __str__(self) -> str:
        return f"{self.dimension}: {self.score}"

    def scope_path(self) -> list[ScopeKey]:
        return self.assessment.scope_path()
