"""What monitoring and support report about services, as streams of counts that raise a backlog item's priority."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from planning.models import ReportSource
from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel
from trains.models.service import service_scopes

FEEDBACK_SOURCES = (ReportSource.MONITORING, ReportSource.SUPPORT_TICKET, ReportSource.USER_REPORT)


class FeedbackSignal(TenantModel):
    """One kind of report about a service (an alert, a ticket category), and the backlog item that answers it."""

    service = TenantForeignKey("trains.Service", related_name="feedback_signals")
    source = models.CharField(max_length=16, choices=[(s.value, s.label) for s in FEEDBACK_SOURCES])
    fingerprint = models.CharField(
        max_length=120, help_text="What its reports have in common: an alert's name, a ticket category."
    )
    title = models.CharField(max_length=200)
    feature = TenantForeignKey(
        "planning.Feature",
        related_name="feedback_signals",
        null=True,
        blank=True,
        verbose_name="backlog item",
    )
    url = models.CharField("address", max_length=500, blank=True)
    history = tracked()

    class Meta:
        verbose_name = "production signal"
        ordering = ["title", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(source__in=["monitoring", "support_ticket", "user_report"]),
                name="feedback_signal_source_known",
            ),
            models.UniqueConstraint(
                fields=["organization", "service", "source", "fingerprint"], name="feedback_signal_once"
            ),
        ]
        indexes = [models.Index(fields=["organization", "feature"], name="feedback_signal_of_feature")]

    def __str__(self) -> str:
        return self.title

    def scope_path(self) -> list[ScopeKey]:
        return service_scopes(self.service)


class FeedbackCount(TenantModel):
    """A fact: so many signals of one kind at a moment, as a monitoring or support system counted them."""

    append_only = True

    signal = TenantForeignKey(FeedbackSignal, related_name="counts", db_index=False)
    at = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)
    severity = models.PositiveSmallIntegerField(default=3)
    external_id = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = "count of signals"
        verbose_name_plural = "counts of signals"
        ordering = ["-at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(times__gte=1), name="feedback_count_at_least_one"),
            models.CheckConstraint(
                condition=Q(severity__gte=1, severity__lte=4), name="feedback_count_severity_known"
            ),
            models.UniqueConstraint(
                fields=["organization", "signal", "external_id"],
                condition=~Q(external_id=""),
                name="feedback_count_once",
            ),
        ]
        indexes = [models.Index(fields=["organization", "signal", "-at"], name="feedback_count_of_signal")]

    def __str__(self) -> str:
        return f"{self.times} of {self.signal}"

    def scope_path(self) -> list[ScopeKey]:
        return self.signal.scope_path()
