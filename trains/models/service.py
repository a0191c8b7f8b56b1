"""Services (what is deployed) and environments (where)."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .train import Team, Train

TIERS = [
    (1, "Tier 1: mission critical"),
    (2, "Tier 2: business critical"),
    (3, "Tier 3: important"),
    (4, "Tier 4: supporting"),
]


class Service(TenantModel):
    """A deployable service or deliverable. Pipelines name it by its name."""

    train = TenantForeignKey(Train, related_name="services", null=True, blank=True)
    team = TenantForeignKey(Team, related_name="services", null=True, blank=True)
    name = models.CharField(max_length=120)
    tier = models.PositiveSmallIntegerField(
        choices=TIERS, default=3, validators=[MinValueValidator(1), MaxValueValidator(4)]
    )
    regulated = models.BooleanField(default=False)
    jurisdictions = models.JSONField(
        default=list, blank=True, help_text="Where its records are bound by law; empty: not known, so by all."
    )
    frameworks = models.JSONField(
        default=list,
        blank=True,
        help_text="Control frameworks it falls under; empty: not known, so under all.",
    )
    repository = models.CharField(max_length=300, blank=True)
    description = models.TextField(blank=True)
    history = tracked()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="service_name_once"),
            models.CheckConstraint(condition=models.Q(tier__gte=1, tier__lte=4), name="service_tier_known"),
        ]

    def __str__(self) -> str:
        return self.name


class Environment(TenantModel):
    """A place services are deployed to; rank orders the way to production."""

    class Kind(models.TextChoices):
        DEV = "dev", "Development"
        TEST = "test", "Test"
        STAGING = "staging", "Staging"
        PRODUCTION = "production", "Production"

    train = TenantForeignKey(Train, related_name="environments", null=True, blank=True)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    rank = models.PositiveSmallIntegerField(default=0)
    iac_repository = models.CharField(
        "infrastructure repository",
        max_length=300,
        blank=True,
        help_text="Where its infrastructure is described.",
    )
    iac_path = models.CharField("path there", max_length=300, blank=True)
    iac_revision = models.CharField(
        "applied revision", max_length=120, blank=True, help_text="Commit or tag that was applied last."
    )
    iac_digest = models.CharField("digest of the description", max_length=71, blank=True)
    history = tracked()

    class Meta:
        ordering = ["rank", "name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="environment_name_once"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["dev", "test", "staging", "production"]),
                name="environment_kind_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_production(self) -> bool:
        return self.kind == self.Kind.PRODUCTION


def service_scopes(service: Service) -> list[ScopeKey]:
    """The scopes on which a right over a service counts: the service, its team, its train."""
    path: list[ScopeKey] = [("service", str(service.pk))]
    if service.team_id:
        path.append(("team", str(service.team_id)))
    if service.train_id:
        path.append(("train", str(service.train_id)))
    return path
