"""Endorsement: a business owner stands for a high-impact feature before it enters a release."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel


class EndorsementRule(TenantModel):
    """Which features are of high impact. All conditions of a rule count together; any rule is enough."""

    train = TenantForeignKey("trains.Train", null=True, blank=True, related_name="endorsement_rules")
    name = models.CharField(max_length=120)
    tier = models.PositiveSmallIntegerField("risk tier, this or higher", null=True, blank=True)
    value = models.PositiveSmallIntegerField("user-business value from", null=True, blank=True)
    points = models.PositiveSmallIntegerField("points from", null=True, blank=True)
    kinds = models.JSONField("kinds of feature", default=list, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(tier__isnull=True) | Q(tier__range=(1, 4)), name="endorsement_rule_tier"
            ),
            models.CheckConstraint(
                condition=Q(tier__isnull=False)
                | Q(value__isnull=False)
                | Q(points__isnull=False)
                | ~Q(kinds=[]),
                name="endorsement_rule_says_something",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.train_id))] if self.train_id else []


class Endorsement(TenantModel):
    """A business owner's word for a feature. Withdrawn, it stays on record with the reason."""

    feature = TenantForeignKey("planning.Feature", related_name="endorsements")
    endorsed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    endorsed_at = models.DateTimeField()
    statement = models.TextField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    withdrawn_reason = models.CharField("why it was withdrawn", max_length=300, blank=True)
    history = tracked()

    class Meta:
        ordering = ["-endorsed_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["feature", "endorsed_by"],
                condition=Q(withdrawn_at__isnull=True),
                name="endorsement_once",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True) | ~Q(withdrawn_reason=""),
                name="endorsement_withdrawn_with_reason",
            ),
        ]
        indexes = [models.Index(fields=["organization", "feature"], name="endorsement_of_feature")]

    def __str__(self) -> str:
        return f"Endorsement of {self.feature} by {self.endorsed_by}"

    def scope_path(self) -> list[ScopeKey]:
        return [("feature", str(self.feature_id)), ("train", str(self.feature.train_id))]
