"""Rules that open a review by themselves."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from problems.models.vocabulary import SEVERITIES, known
from releasetrain.audit.history import tracked
from releasetrain.tenancy.models import TenantModel
from trains.models import TIERS


class Depth(models.TextChoices):
    """How much of a review it is."""

    DETAILED = "detailed", "Detailed"
    LIGHTWEIGHT = "lightweight", "Lightweight"


class Outcome(models.TextChoices):
    """How a production deployment turned out."""

    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    ROLLED_BACK = "rolled_back", "Rolled back"
    INCIDENT = "incident", "Caused an incident"


class ReviewRule(TenantModel):
    """After a production deployment that fits every condition a review opens; an empty condition fits all."""

    name = models.CharField(max_length=120)
    depth = models.CharField(max_length=12, choices=Depth.choices, default=Depth.LIGHTWEIGHT)
    least_critical_tier = models.PositiveSmallIntegerField(
        "down to tier", choices=TIERS, default=4, validators=[MinValueValidator(1), MaxValueValidator(4)]
    )
    outcomes = ArrayField(models.CharField(max_length=12), default=list, blank=True)
    classifications = ArrayField(models.CharField(max_length=16), default=list, blank=True)
    emergency_only = models.BooleanField(default=False)
    severity = models.PositiveSmallIntegerField(
        "incident of at least severity",
        choices=SEVERITIES,
        null=True,
        blank=True,
        help_text="Only where it caused an incident as bad as this. Empty: any.",
    )
    harm_minutes = models.PositiveIntegerField(
        "harm lasting minutes",
        null=True,
        blank=True,
        help_text="Only where its incidents lasted so long together. Empty: any.",
    )
    budget_percent = models.PositiveSmallIntegerField(
        "error budget burnt, %",
        null=True,
        blank=True,
        help_text="Only where so much of an error budget was burnt since. Empty: any.",
    )
    mandatory = models.BooleanField(
        default=False, help_text="The next gate of the service waits until the review is done."
    )
    due_days = models.PositiveSmallIntegerField("due within days", default=10)
    window_days = models.PositiveSmallIntegerField(
        "gather deployments for days",
        default=0,
        help_text="For services that deploy often: one review gathers what was deployed in so many days.",
    )
    retired_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"],
                condition=Q(retired_at__isnull=True),
                name="review_rule_name_once",
            ),
            known("depth", "review_rule_depth_known", "detailed lightweight"),
            models.CheckConstraint(
                condition=Q(least_critical_tier__gte=1, least_critical_tier__lte=4),
                name="review_rule_tier_known",
            ),
            models.CheckConstraint(condition=Q(due_days__gte=1), name="review_rule_due_after_opening"),
        ]

    def __str__(self) -> str:
        return self.name
