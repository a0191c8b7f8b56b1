"""Reports from production behind a backlog item: problems, reviews, monitoring, support tickets, users."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .feature import scopes_of_feature


class ReportSource(models.TextChoices):
    """Where production speaks from."""

    PROBLEM = "problem", "Problem"
    REVIEW = "review", "Post-release review"
    MONITORING = "monitoring", "Monitoring"
    SUPPORT_TICKET = "support_ticket", "Support ticket"
    USER_REPORT = "user_report", "User report"


class FeatureReport(TenantModel):
    """One report that a backlog item answers; the same reference is never taken twice."""

    feature = TenantForeignKey("planning.Feature", related_name="reports")
    source = models.CharField(max_length=16, choices=ReportSource.choices)
    reference = models.CharField(max_length=120)
    url = models.URLField("address", max_length=500, blank=True)
    summary = models.CharField(max_length=300, blank=True)
    source_kind = models.CharField(max_length=40, blank=True)
    source_id = models.UUIDField(null=True, blank=True)
    reported_at = models.DateTimeField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    history = tracked()

    class Meta:
        verbose_name = "production report"
        ordering = ["-reported_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(source__in=ReportSource.values), name="feature_report_source_known"
            ),
            models.UniqueConstraint(
                fields=["organization", "source", "reference"], name="feature_report_reference_once"
            ),
        ]
        indexes = [models.Index(fields=["organization", "source_id"], name="feature_report_of_source")]

    def __str__(self) -> str:
        return f"{self.get_source_display()} {self.reference}"

    def scope_path(self) -> list[ScopeKey]:
        return scopes_of_feature(self.feature)
