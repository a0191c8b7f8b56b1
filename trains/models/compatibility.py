"""Which versions of services go together, and how far environments may drift apart."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .service import Environment, Service, service_scopes


class CompatibilityRule(TenantModel):
    """Versions of a service need versions of another one, in every environment or in one."""

    service = TenantForeignKey(Service, related_name="compatibility_rules")
    versions = models.CharField(
        "its versions",
        max_length=200,
        default="*",
        help_text="Which versions of the service need it: a SemVer range.",
    )
    requires = TenantForeignKey(Service, related_name="required_by")
    range = models.CharField(max_length=200, help_text="A SemVer range, e.g. ^2.1 or >=1.4 <3.")
    environment = TenantForeignKey(
        Environment,
        related_name="compatibility_rules",
        null=True,
        blank=True,
        help_text="Empty: everywhere.",
    )
    reason = models.TextField(blank=True)
    retired_at = models.DateTimeField("retired", null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["service__name", "requires__name", "id"]
        constraints = [
            models.CheckConstraint(condition=~Q(service=F("requires")), name="compatibility_rule_of_two"),
            models.UniqueConstraint(
                fields=["organization", "service", "versions", "requires", "environment"],
                condition=Q(retired_at__isnull=True),
                nulls_distinct=False,
                name="compatibility_rule_once",
            ),
        ]
        indexes = [models.Index(fields=["organization", "requires"], name="compatibility_rule_of")]

    def __str__(self) -> str:
        own = "" if self.versions == "*" else f" {self.versions}"
        return f"{self.service}{own} needs {self.requires} {self.range}"

    def scope_path(self) -> list[ScopeKey]:
        return service_scopes(self.service)


class SkewLimit(TenantModel):
    """How far a service's version in one environment may be ahead of its version in another."""

    class Part(models.TextChoices):
        MAJOR = "major", "Major versions"
        MINOR = "minor", "Minor versions"

    service = TenantForeignKey(
        Service, related_name="skew_limits", null=True, blank=True, help_text="Empty: every service."
    )
    ahead = TenantForeignKey(Environment, related_name="skew_limits_ahead")
    behind = TenantForeignKey(Environment, related_name="skew_limits_behind")
    part = models.CharField("counted in", max_length=5, choices=Part.choices, default=Part.MINOR)
    at_most = models.PositiveSmallIntegerField(default=1)
    reason = models.TextField(blank=True)
    retired_at = models.DateTimeField("retired", null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["ahead__rank", "behind__rank", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(part__in=["major", "minor"]), name="skew_limit_part_known"),
            models.CheckConstraint(condition=~Q(ahead=F("behind")), name="skew_limit_of_two"),
            models.UniqueConstraint(
                fields=["organization", "service", "ahead", "behind", "part"],
                condition=Q(retired_at__isnull=True),
                nulls_distinct=False,
                name="skew_limit_once",
            ),
        ]

    def __str__(self) -> str:
        whose = str(self.service) if self.service else "Any service"
        return f"{whose}: {self.ahead} at most {self.at_most} {self.part} ahead of {self.behind}"

    def scope_path(self) -> list[ScopeKey]:
        return service_scopes(self.service) if self.service else []
