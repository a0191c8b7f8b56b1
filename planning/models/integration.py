"""What milestones and features integrate with: required versions, points of integration, needs of other trains."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel


class VersionRequirement(TenantModel):
    """A milestone needs a service at a version or later in an environment. Whether it is met is computed."""

    milestone = TenantForeignKey("trains.Milestone", related_name="requirements")
    service = TenantForeignKey("trains.Service", related_name="version_requirements")
    environment = TenantForeignKey("trains.Environment", related_name="version_requirements")
    minimum_version = models.CharField(max_length=80)
    contract_tests = models.BooleanField(
        default=True, help_text="Passing contract tests of the deployed build are needed as well."
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["milestone", "service__name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "milestone", "service", "environment"],
                condition=Q(withdrawn_at__isnull=True),
                name="version_requirement_once",
            ),
            models.CheckConstraint(condition=~Q(minimum_version=""), name="version_requirement_has_version"),
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.minimum_version} in {self.environment}"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.milestone.train_id))]


class IntegrationPoint(TenantModel):
    """Something outside a team that its features build on: a shared service, a data platform, a third party."""

    class Kind(models.TextChoices):
        SHARED_SERVICE = "shared_service", "Shared service"
        DATA_PLATFORM = "data_platform", "Data platform"
        THIRD_PARTY = "third_party", "Third party"

    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    service = TenantForeignKey("trains.Service", related_name="integration_points", null=True, blank=True)
    owner = TenantForeignKey(
        "trains.Team",
        related_name="integration_points",
        null=True,
        blank=True,
        verbose_name="owning team",
    )
    contact = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"],
                condition=Q(retired_at__isnull=True),
                name="integration_point_name_once",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["shared_service", "data_platform", "third_party"]),
                name="integration_point_kind_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class FeatureIntegration(TenantModel):
    """A feature builds on an integration point."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        AGREED = "agreed", "Agreed"
        READY = "ready", "Ready"
        DROPPED = "dropped", "Dropped"

    feature = TenantForeignKey("planning.Feature", related_name="integrations")
    point = TenantForeignKey(IntegrationPoint, related_name="integrations")
    what = models.CharField(max_length=300)
    needed_by = models.DateField(null=True, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    note = models.CharField(max_length=300, blank=True)
    history = tracked()

    class Meta:
        ordering = ["feature__key", "point__name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "feature", "point"],
                condition=~Q(state="dropped"),
                name="feature_integration_once",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "agreed", "ready", "dropped"]),
                name="feature_integration_state_known",
            ),
        ]
        indexes = [models.Index(fields=["organization", "point"], name="feature_integration_of_point")]

    def __str__(self) -> str:
        return f"{self.feature} on {self.point}"

    def scope_path(self) -> list[ScopeKey]:
        path: list[ScopeKey] = [("feature", str(self.feature_id))]
        if self.feature.team_id:
            path.append(("team", str(self.feature.team_id)))
        return [*path, ("train", str(self.feature.train_id))]


class TrainNeed(TenantModel):
    """A feature cannot be done without what another train delivers."""

    feature = TenantForeignKey("planning.Feature", related_name="train_needs")
    dependency = TenantForeignKey("trains.TrainDependency", related_name="needs")
    dropped_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["feature__key"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "feature", "dependency"],
                condition=Q(dropped_at__isnull=True),
                name="train_need_once",
            )
        ]
        indexes = [models.Index(fields=["organization", "dependency"], name="train_need_of_dependency")]

    def __str__(self) -> str:
        return f"{self.feature} needs {self.dependency}"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.feature.train_id))]
