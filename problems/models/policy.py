"""Versions of how an organization handles problems: what recurrence costs, how deep fixes are reviewed, what is kept."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantModel


class ProblemPolicy(TenantModel):
    """One version; the latest is in force. What was decided under an earlier one stays readable in it."""

    append_only = True

    number = models.PositiveIntegerField("version")
    currency = models.CharField(max_length=3, default="EUR")
    incident_costs = models.JSONField(
        default=dict, help_text="Severity → what one incident costs before its first hour."
    )
    hour_costs = models.JSONField(
        default=dict, help_text="Severity → what each hour until restoration costs."
    )
    systemic_incidents = models.PositiveSmallIntegerField(
        default=3, help_text="So many incidents of one problem make it systemic."
    )
    documents = models.JSONField(
        default=dict, help_text="Risk class of a fix → what has to be there before it goes out."
    )
    catch_up_days = models.JSONField(
        default=dict, help_text="Severity → days after which a deviation has to be caught up."
    )
    keep_days = models.PositiveIntegerField(
        default=2555, help_text="Days that the artefacts of critical fixes are kept at least."
    )
    keep_severity = models.PositiveSmallIntegerField(
        default=2, help_text="A fix is critical if its problem is of this severity or worse."
    )
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "problem policies"
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="problem_policy_version_once"),
            models.CheckConstraint(
                condition=Q(systemic_incidents__gte=2, keep_days__gte=1, number__gte=1)
                & Q(keep_severity__gte=1, keep_severity__lte=4),
                name="problem_policy_bounds",
            ),
        ]

    def __str__(self) -> str:
        return f"Problem policy {self.number}"

    def scope_path(self) -> list[ScopeKey]:
        return []

    def cost_of(self, severity: int, hours: float) -> float:
        """What one incident of the severity cost, restored after so many hours."""
        return _of(self.incident_costs, severity) + hours * _of(self.hour_costs, severity)


def _of(table: dict[str, Any], severity: int) -> float:
    return float(table.get(str(severity), 0))
