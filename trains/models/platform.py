"""Shared platforms: what a provider train promises each consumer train, and what was measured."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .service import Service
from .train import Train
from .vocabulary import known


class Comparison(models.TextChoices):
    """On which side of a threshold a value is good."""

    AT_LEAST = "at_least", "at least"
    AT_MOST = "at_most", "at most"


class SharedPlatform(TenantModel):
    """A platform that several trains rely on, such as messaging or identity."""

    name = models.CharField(max_length=120)
    provider = TenantForeignKey(Train, related_name="platforms")
    service = TenantForeignKey(Service, related_name="platforms", null=True, blank=True)
    description = models.TextField(blank=True)
    contact = models.CharField(max_length=200, blank=True)
    history = tracked()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="platform_name_once")]

    def __str__(self) -> str:
        return self.name

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.provider_id))]


class ServiceLevel(TenantModel):
    """What the platform promises a consumer train: an indicator and its target over a window."""

    platform = TenantForeignKey(SharedPlatform, related_name="levels")
    consumer = TenantForeignKey(Train, related_name="service_levels")
    indicator = models.CharField(max_length=80, help_text="E.g. availability, latency p95, queue age.")
    comparison = models.CharField(max_length=8, choices=Comparison.choices, default=Comparison.AT_LEAST)
    target = models.DecimalField(max_digits=14, decimal_places=4)
    unit = models.CharField(max_length=20, blank=True)
    window_days = models.PositiveSmallIntegerField(default=30)
    # The latest measurement, kept here so that a release's page reads the breaches of its train in one query.
    measured_at = models.DateTimeField(null=True, blank=True, editable=False)
    measured = models.DecimalField(max_digits=14, decimal_places=4, null=True, blank=True, editable=False)
    breached_since = models.DateTimeField(null=True, blank=True, editable=False)
    retired_at = models.DateTimeField("retired", null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["platform__name", "consumer__key", "indicator"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "platform", "consumer", "indicator"],
                condition=Q(retired_at__isnull=True),
                name="service_level_once",
            ),
            known("comparison", "service_level_comparison_known", Comparison),
            models.CheckConstraint(condition=Q(window_days__gte=1), name="service_level_window"),
        ]
        indexes = [
            models.Index(
                fields=["organization", "consumer"],
                condition=Q(breached_since__isnull=False),
                name="service_level_breached",
            )
        ]

    def __str__(self) -> str:
        return f"{self.platform} for {self.consumer}: {self.indicator} {self.promise}"

    @property
    def promise(self) -> str:
        """The target in words."""
        return f"{self.get_comparison_display()} {self.target.normalize():f} {self.unit}".strip()

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.platform.provider_id)), ("train", str(self.consumer_id))]


class LevelMeasurement(TenantModel):
    """One measured value of a service level, from a monitoring system."""

    append_only = True

    level = TenantForeignKey(ServiceLevel, related_name="measurements", db_index=False)
    at = models.DateTimeField()
    value = models.DecimalField(max_digits=14, decimal_places=4)
    met = models.BooleanField()
    source = models.CharField(max_length=80, blank=True)
    external_id = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "level", "source", "external_id"],
                condition=~Q(external_id=""),
                name="level_measurement_once",
            )
        ]
        indexes = [models.Index(fields=["organization", "level", "-at"], name="level_measurement_by_time")]

    def __str__(self) -> str:
        return f"{self.level.indicator} {self.value.normalize():f} {self.level.unit}".strip()

    def scope_path(self) -> list[ScopeKey]:
        return self.level.scope_path()


__all__ = ["Comparison", "LevelMeasurement", "ServiceLevel", "SharedPlatform"]
