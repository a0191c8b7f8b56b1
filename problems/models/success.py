"""Success criteria of a problem: what must measurably be better before it is closed."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .problem import Problem
from .vocabulary import known


class SuccessCriterion(TenantModel):
    """One measure, before the fix and in its observation. Not measured, or measured on too little, is not met."""

    class Measure(models.TextChoices):
        INCIDENTS = "incidents", "Incidents a week fall by (percent)"
        RESTORE = "restore", "Mean time to restore falls by (percent)"
        METRIC_BY = "metric_by", "A metric of the service falls by (percent)"
        METRIC_AT_MOST = "metric_at_most", "A metric of the service is at most"
        METRIC_AT_LEAST = "metric_at_least", "A metric of the service is at least"

    problem = TenantForeignKey(Problem, related_name="criteria")
    measure = models.CharField(max_length=16, choices=Measure.choices)
    metric = models.CharField(max_length=120, blank=True)
    target = models.FloatField()
    before_days = models.PositiveSmallIntegerField(
        default=28, help_text="So many days before the fix are what it is compared with."
    )
    baseline = models.FloatField(null=True, blank=True, editable=False)
    baseline_size = models.PositiveIntegerField(default=0, editable=False)
    measured = models.FloatField(null=True, blank=True, editable=False)
    measured_size = models.PositiveIntegerField(default=0, editable=False)
    measured_at = models.DateTimeField(null=True, blank=True, editable=False)
    met = models.BooleanField(null=True, blank=True, editable=False)
    finding = models.CharField(max_length=300, blank=True, editable=False)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        verbose_name_plural = "success criteria"
        ordering = ["created_at", "id"]
        constraints = [
            known(
                "measure",
                "success_measure_known",
                "incidents restore metric_by metric_at_most metric_at_least",
            ),
            models.CheckConstraint(
                condition=Q(measure__in=["incidents", "restore"]) | ~Q(metric=""),
                name="success_criterion_names_metric",
            ),
            models.CheckConstraint(
                condition=Q(met__isnull=True) | Q(measured_at__isnull=False, measured__isnull=False),
                name="success_criterion_met_is_measured",
            ),
            models.CheckConstraint(
                condition=Q(measure__in=["metric_at_most", "metric_at_least"])
                | Q(target__gt=0, target__lte=100),
                name="success_criterion_percent",
            ),
            models.CheckConstraint(condition=Q(before_days__gte=1), name="success_criterion_compares"),
        ]

    def __str__(self) -> str:
        named = self.get_measure_display().replace("A metric of the service", self.metric or "A metric")
        percent = "(percent)" in named
        return f"{named.replace(' (percent)', '')} {self.target:g}{' %' if percent else ''}"[:200]

    def scope_path(self) -> list[ScopeKey]:
        return self.problem.scope_path()
