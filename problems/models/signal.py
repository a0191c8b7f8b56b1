"""Signals of a problem coming back that are no incidents: a runtime metric beyond a threshold, a count in the logs."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .observation import ObservationWindow
from .problem import Problem
from .vocabulary import known


class RecurrenceSignal(TenantModel):
    """What is watched while a fix is observed, and from which value on it means that the problem is back."""

    class Kind(models.TextChoices):
        METRIC = "metric", "Metric of the service"
        LOG = "log", "Count in the logs"

    class Comparison(models.TextChoices):
        ABOVE = "above", "Above"
        BELOW = "below", "Below"

    problem = TenantForeignKey(Problem, related_name="signals")
    kind = models.CharField(max_length=6, choices=Kind.choices)
    name = models.CharField(
        max_length=120, help_text="The metric's name, or what is counted in the logs, e.g. deadlock detected."
    )
    comparison = models.CharField(max_length=5, choices=Comparison.choices, default=Comparison.ABOVE)
    threshold = models.FloatField()
    minutes = models.PositiveIntegerField(
        default=10, help_text="A metric: beyond it for so long without a break. A count: within so long."
    )
    baseline = models.FloatField(
        null=True, blank=True, help_text="What it was before the fix, for comparison; measured, or said."
    )
    rolls_back = models.BooleanField(
        "rolls the fix back", default=False, help_text="Crossed, the deployment of the fix is rolled back."
    )
    retired_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            known("kind", "recurrence_signal_kind_known", "metric log"),
            known("comparison", "recurrence_signal_comparison_known", "above below"),
            models.CheckConstraint(
                condition=Q(minutes__gte=1, minutes__lte=10080), name="recurrence_signal_minutes"
            ),
            models.UniqueConstraint(
                fields=["organization", "problem", "kind", "name"],
                condition=Q(retired_at__isnull=True),
                name="recurrence_signal_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.comparison} {self.threshold:g}"

    def scope_path(self) -> list[ScopeKey]:
        return self.problem.scope_path()


class SignalReading(TenantModel):
    """What a signal was between two moments while its problem was observed."""

    append_only = True

    signal = TenantForeignKey(RecurrenceSignal, related_name="readings", db_index=False)
    window = TenantForeignKey(
        ObservationWindow,
        related_name="readings",
        db_index=False,
        null=True,
        blank=True,
        verbose_name="observation",
    )
    starts = models.DateTimeField("from")
    ends = models.DateTimeField("until")
    value = models.FloatField()
    samples = models.PositiveIntegerField(default=1, help_text="How many values it was made of.")
    crossed = models.BooleanField("beyond the threshold")
    source = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["-ends", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="signal_reading_ordered"),
            models.UniqueConstraint(
                fields=["organization", "signal", "starts", "ends", "source"], name="signal_reading_once"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "window", "crossed"], name="signal_reading_of_window"),
            models.Index(fields=["organization", "signal", "-ends"], name="signal_reading_latest"),
        ]

    def __str__(self) -> str:
        return f"{self.signal.name} {self.value:g} at {self.ends:%Y-%m-%d %H:%M}"

    def scope_path(self) -> list[ScopeKey]:
        return self.signal.scope_path()
