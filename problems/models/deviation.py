"""Deviations of a fast-tracked fix from the standard procedure: put on record as they happen, caught up afterwards."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey

from .problem import Problem
from .vocabulary import known


class Deviation(KeyedModel):
    """Which step was left out or cut short for a fix, why, who accepted that, and what is caught up by when."""

    key_prefix = "DEV"

    class Step(models.TextChoices):
        SCOPE_FREEZE = "scope_freeze", "Scope freeze"
        APPROVAL = "approval", "Approval by the regular board"
        GATE = "gate", "A check of a gate"
        SEGREGATION = "segregation", "Segregation of duties"
        FREEZE = "freeze", "Deployment freeze"
        TESTING = "testing", "Testing"
        REVIEW = "review", "Code review"
        ROOT_CAUSE = "root_cause", "Validated root cause"
        DOCUMENTATION = "documentation", "Documentation"
        NOTICE = "notice", "Notice to stakeholders"
        OTHER = "other", "Another step"

    problem = TenantForeignKey(Problem, related_name="deviations")
    release = TenantForeignKey("trains.Release", related_name="deviations", null=True, blank=True)
    step = models.CharField(max_length=16, choices=Step.choices)
    what = models.CharField(max_length=300, help_text="What exactly was left out or cut short.")
    reason = models.TextField(blank=True, help_text="Why it could not wait.")
    happened_at = models.DateTimeField("happened")
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Nobody: it was put on record by itself, with the act.",
    )
    source_kind = models.CharField(max_length=40, blank=True, editable=False)
    source_id = models.UUIDField(null=True, blank=True, editable=False)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    accepted_at = models.DateTimeField("accepted", null=True, blank=True)
    catch_up = models.TextField("to be caught up", blank=True)
    catch_up_by = models.DateField("caught up by")
    caught_up_at = models.DateTimeField("caught up", null=True, blank=True)
    caught_up_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    evidence = models.TextField(blank=True, help_text="What shows that it was caught up.")
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["-happened_at", "-id"]
        constraints = [
            *KeyedModel.Meta.constraints,
            known(
                "step",
                "deviation_step_known",
                "scope_freeze approval gate segregation freeze testing review root_cause documentation notice other",
            ),
            models.CheckConstraint(
                condition=Q(accepted_by__isnull=True, accepted_at__isnull=True)
                | Q(accepted_by__isnull=False, accepted_at__isnull=False),
                name="deviation_accepted_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(accepted_by__isnull=True)
                | Q(recorded_by__isnull=True)
                | ~Q(accepted_by=F("recorded_by")),
                name="deviation_second_person",
            ),
            models.CheckConstraint(
                condition=Q(caught_up_at__isnull=True)
                | (Q(accepted_by__isnull=False, caught_up_by__isnull=False) & ~Q(evidence="")),
                name="deviation_caught_up_on_evidence",
            ),
            models.UniqueConstraint(
                fields=["organization", "problem", "step", "source_kind", "source_id"],
                condition=Q(source_id__isnull=False),
                name="deviation_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "catch_up_by"],
                condition=Q(caught_up_at__isnull=True),
                name="deviation_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.what}"[:200]

    def scope_path(self) -> list[ScopeKey]:
        return self.problem.scope_path()

    @property
    def title(self) -> str:
        """What links say beside the key."""
        return self.what

    @property
    def standing(self) -> str:
        """Where it stands, in a word."""
        if self.caught_up_at:
            return "caught up"
        return "accepted" if self.accepted_at else "not accepted"
