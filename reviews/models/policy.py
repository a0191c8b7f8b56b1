"""How reviews are held: one standard of the organization, and what trains add to it."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel


class ReviewPolicy(TenantModel):
    """The standard of reviews, or with a train what that train adds. Empty lists add nothing."""

    train = TenantForeignKey(
        "trains.Train",
        related_name="review_policies",
        null=True,
        blank=True,
        help_text="Empty: the standard of the organization.",
    )
    attendance = models.JSONField(
        default=dict,
        blank=True,
        help_text='Who must be there by tier: {"1": {"release": "required", "quality": "optional"}}.',
    )
    quorum = models.PositiveSmallIntegerField(
        default=100,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="Percent of the required people without whom a review is not closed.",
    )
    sections = models.JSONField(
        default=list, blank=True, help_text="What the record of a review answers: key, title, required."
    )
    agenda = models.JSONField(
        default=list, blank=True, help_text="Time boxes: title, phase (facts, causes, actions), minutes."
    )
    indicators = models.JSONField(
        default=list,
        blank=True,
        help_text="What is judged against its baseline: metric, title, good, unit, component, tolerance.",
    )
    adoption = models.JSONField(
        "adoption metrics", default=list, blank=True, help_text="Patterns of feature-flag telemetry."
    )
    vanity = models.JSONField(
        "vanity metrics", default=list, blank=True, help_text="Left out of every review: pattern and why."
    )
    hours = models.JSONField(
        "rotating hours",
        default=list,
        blank=True,
        help_text="Hours of the day (UTC) that meetings rotate over.",
    )
    hold_overdue_actions = models.BooleanField(
        "overdue actions hold gates",
        default=False,
        help_text="Overdue actions of a service's reviews fail the gate check pending-reviews.",
    )
    effect_days = models.PositiveSmallIntegerField(
        "effectiveness after days", default=30, help_text="When the effect of a done action is looked at."
    )
    escalate_days = models.PositiveSmallIntegerField(
        "escalate after days", default=14, help_text="An action overdue for longer becomes a problem."
    )
    recurrences = models.PositiveSmallIntegerField(
        default=3, help_text="So many reviews with the same kind of cause go to the architecture board."
    )
    recurrence_days = models.PositiveSmallIntegerField("within days", default=180)
    board = TenantForeignKey(
        "governance.Board",
        related_name="review_policies",
        null=True,
        blank=True,
        verbose_name="architecture board",
    )
    history = tracked()

    class Meta:
        ordering = ["train__key"]
        verbose_name_plural = "review policies"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "train"], nulls_distinct=False, name="review_policy_once"
            ),
            models.CheckConstraint(
                condition=Q(quorum__gte=1, quorum__lte=100), name="review_policy_quorum_is_percent"
            ),
            models.CheckConstraint(
                condition=Q(
                    effect_days__gte=1, escalate_days__gte=1, recurrences__gte=2, recurrence_days__gte=1
                ),
                name="review_policy_spans_positive",
            ),
        ]

    def __str__(self) -> str:
        return f"Review additions of {self.train}" if self.train_id else "Standard of reviews"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.train_id))] if self.train_id else []
