"""When a feature is too big: the rule of a train, and the services that a feature touches."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .feature import scopes_of_feature


class SizeRule(TenantModel):
    """From which size on a train's features are to be split."""

    train = TenantForeignKey("trains.Train", related_name="size_rules")
    most_points = models.PositiveSmallIntegerField("largest job size", default=13)
    most_teams = models.PositiveSmallIntegerField("most teams touched", default=2)
    most_services = models.PositiveSmallIntegerField("most services touched", default=3)
    history = tracked()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["train"], name="size_rule_once"),
            models.CheckConstraint(
                condition=Q(most_points__gte=1) & Q(most_teams__gte=1) & Q(most_services__gte=1),
                name="size_rule_positive",
            ),
        ]

    def __str__(self) -> str:
        return f"Size rule of {self.train}"


class FeatureService(TenantModel):
    """A service that building the feature touches, or touched until somebody said otherwise."""

    feature = TenantForeignKey("planning.Feature", related_name="touched_services")
    service = TenantForeignKey("trains.Service", related_name="touching_features")
    ended_at = models.DateTimeField("said of it until", null=True, blank=True, editable=False)
    history = tracked()

    class Meta:
        ordering = ["service__name"]
        constraints = [
            models.UniqueConstraint(fields=["feature", "service"], name="feature_service_once"),
        ]

    def __str__(self) -> str:
        return f"{self.feature} touche{'d' if self.ended_at else 's'} {self.service}"

    def scope_path(self) -> list[ScopeKey]:
        return scopes_of_feature(self.feature)
