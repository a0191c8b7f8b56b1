"""Risk tiers: the versioned rule, every answer given to it, and what the tier requires of an item."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .feature import scopes_of_feature


class TierRule(TenantModel):
    """One version of the rule that makes a tier of the answers. Versions are never changed, only followed."""

    append_only = True

    number = models.PositiveIntegerField("version")
    content = models.JSONField()
    note = models.TextField("why it was changed", blank=True)
    published_at = models.DateTimeField()
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="tier_rule_number_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="tier_rule_number_from_1"),
        ]

    def __str__(self) -> str:
        return f"Tier rule {self.number}"


class TierAssessment(TenantModel):
    """What was answered about a feature, and what the rule of that day made of it. The latest one counts."""

    append_only = True

    feature = TenantForeignKey("planning.Feature", related_name="assessments")
    rule = TenantForeignKey(TierRule, null=True, blank=True, related_name="assessments")
    rule_number = models.PositiveIntegerField("rule version", default=0)
    answers = models.JSONField()
    score = models.PositiveSmallIntegerField()
    tier = models.PositiveSmallIntegerField("risk tier")
    compliance_class = models.CharField(max_length=120, blank=True)
    because = models.JSONField("why", default=list)
    assessed_at = models.DateTimeField()
    assessed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-assessed_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(tier__range=(1, 4)), name="tier_assessment_tier_1_to_4"),
        ]
        indexes = [
            models.Index(fields=["organization", "feature", "-assessed_at"], name="tier_assessment_latest")
        ]

    def __str__(self) -> str:
        return f"{self.feature}: tier {self.tier} by rule {self.rule_number}"

    def scope_path(self) -> list[ScopeKey]:
        return scopes_of_feature(self.feature)


class RequirementKind(models.TextChoices):
    """What a tier can ask for."""

    REVIEW = "review", "Review"
    TEST = "test", "Test"
    CHECKPOINT = "checkpoint", "Checkpoint"


class FeatureRequirement(TenantModel):
    """A review, test or checkpoint that the tier asks of a feature, and who met it when."""

    feature = TenantForeignKey("planning.Feature", related_name="requirements")
    kind = models.CharField(max_length=12, choices=RequirementKind.choices)
    name = models.CharField(max_length=120)
    rule_number = models.PositiveIntegerField("rule version", default=0)
    met_at = models.DateTimeField(null=True, blank=True)
    met_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    evidence = models.CharField(max_length=500, blank=True)
    dropped_at = models.DateTimeField("no longer required since", null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["kind", "name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=RequirementKind.values), name="feature_requirement_kind_known"
            ),
            models.UniqueConstraint(fields=["feature", "kind", "name"], name="feature_requirement_once"),
        ]
        indexes = [models.Index(fields=["organization", "met_at"], name="feature_requirement_open")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.name}"

    def scope_path(self) -> list[ScopeKey]:
        return scopes_of_feature(self.feature)
