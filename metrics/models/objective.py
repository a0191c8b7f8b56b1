"""Service level objectives, and key performance indicators with the decisions that they serve."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey
from trains.models import Environment, Service
from trains.models.service import service_scopes
from trains.models.vocabulary import known


class SloKind(models.TextChoices):
    GOOD = "good", "Good events of all events"
    BAD = "bad", "All events but the bad ones"
    SLICES = "slices", "Slices of five minutes within a bound"


class Slo(KeyedModel):
    """A promise on a service: how large a share of its events or minutes is to be good, over a moving window."""

    key_prefix = "SLO"

    service = TenantForeignKey(Service, related_name="slos")
    environment = TenantForeignKey(Environment, related_name="slos", null=True, blank=True)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=8, choices=SloKind.choices)
    series = models.CharField(
        max_length=200, help_text="The series of good or bad events, or of the values that are bounded."
    )
    labels = models.JSONField(default=dict, blank=True)
    total_series = models.CharField("series of all events", max_length=200, blank=True)
    total_labels = models.JSONField("labels of all events", default=dict, blank=True)
    at_most = models.FloatField(null=True, blank=True)
    at_least = models.FloatField(null=True, blank=True)
    objective = models.FloatField("objective in per cent")
    window_days = models.PositiveSmallIntegerField("window in days", default=28)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True
    )
    retired_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["key"]
        verbose_name = "service level objective"
        constraints = [
            *KeyedModel.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization", "service", "environment", "name"],
                name="slo_name_once",
                nulls_distinct=False,
            ),
            known("kind", "slo_kind_known", SloKind),
            models.CheckConstraint(
                condition=Q(objective__gt=0, objective__lt=100), name="slo_objective_range"
            ),
            models.CheckConstraint(
                condition=Q(window_days__gte=1, window_days__lte=90), name="slo_window_range"
            ),
            models.CheckConstraint(
                condition=(
                    Q(kind="slices", total_series="") & (Q(at_most__isnull=False) | Q(at_least__isnull=False))
                )
                | (
                    Q(kind__in=["good", "bad"], at_most__isnull=True, at_least__isnull=True)
                    & ~Q(total_series="")
                ),
                name="slo_indicator_complete",
            ),
        ]
        indexes = [models.Index(fields=["organization", "service"], name="slo_of_service")]

    def __str__(self) -> str:
        return f"{self.key} {self.name}"

    def scope_path(self) -> list[ScopeKey]:
        return service_scopes(self.service)


class KpiDirection(models.TextChoices):
    UP = "up", "At least the target"
    DOWN = "down", "At most the target"


class Kpi(KeyedModel):
    """An indicator of one's own: a formula over series and counts, with a target, an owner, and the decision it serves."""

    key_prefix = "KPI"

    service = TenantForeignKey(Service, related_name="kpis", null=True, blank=True)
    name = models.CharField(max_length=120)
    formula = models.CharField(max_length=2000, help_text="In CEL, over series, counts and days.")
    unit = models.CharField(max_length=30, blank=True)
    direction = models.CharField(max_length=4, choices=KpiDirection.choices)
    target = models.FloatField()
    period_days = models.PositiveSmallIntegerField("period in days", default=28)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    decision = models.TextField(
        "decision it serves", blank=True, help_text="What will be decided by it. Without one it is vanity."
    )
    review_on = models.DateField("to be reviewed on")
    reviewed_at = models.DateTimeField(null=True, blank=True)
    review_note = models.TextField(blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["key"]
        verbose_name = "KPI"
        constraints = [
            *KeyedModel.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization", "service", "name"], name="kpi_name_once", nulls_distinct=False
            ),
            known("direction", "kpi_direction_known", KpiDirection),
            models.CheckConstraint(
                condition=Q(period_days__gte=1, period_days__lte=366), name="kpi_period_range"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.name}"

    @property
    def vanity(self) -> bool:
        """No decision is served by it."""
        return not self.decision.strip()

    def scope_path(self) -> list[ScopeKey]:
        return service_scopes(self.service) if self.service else []
