"""Dependencies: one feature needs another, and the provider has to agree."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from planning.states import DependencyState
from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel


class FeatureDependency(TenantModel):
    """The consumer needs what the provider delivers, in an iteration (its own when none is named)."""

    provider = TenantForeignKey("planning.Feature", related_name="needed_by")
    consumer = TenantForeignKey("planning.Feature", related_name="needs")
    needed_in = TenantForeignKey("trains.Iteration", null=True, blank=True, related_name="+")
    what = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=12, choices=DependencyState.choices, default=DependencyState.PROPOSED)
    reason = models.CharField(max_length=300, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    history = tracked()

    class Meta:
        verbose_name_plural = "feature dependencies"
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=DependencyState.values), name="feature_dependency_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(provider=F("consumer")), name="feature_dependency_on_another"
            ),
            models.UniqueConstraint(
                fields=["provider", "consumer"],
                condition=~Q(state="withdrawn"),
                name="feature_dependency_once",
            ),
        ]
        indexes = [models.Index(fields=["organization", "consumer"], name="feature_dependency_consumer")]

    def __str__(self) -> str:
        return f"{self.consumer} needs {self.provider}"

    def scope_path(self) -> list[ScopeKey]:
        """Rights over a dependency are the provider's: it is accepted by who delivers, not by who asks."""
        path = [("featuredependency", str(self.pk)), ("feature", str(self.provider_id))]
        if self.provider.team_id:
            path.append(("team", str(self.provider.team_id)))
        path.append(("train", str(self.provider.train_id)))
        return path
