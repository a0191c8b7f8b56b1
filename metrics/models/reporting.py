"""What people say about figures: declared changes, and which dashboards are sent to whom."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel
from trains.models.service import service_scopes


class DeclaredChange(TenantModel):
    """Something that happened and may show in the figures: an improvement, a freeze, a reorganisation.

    Charts carry it as an annotation. One that `resets` limits is where control charts begin new limits, and where
    "did it change anything" is answered with those before and after.
    """

    class Kind(models.TextChoices):
        IMPROVEMENT = "improvement", "Improvement"
        PROCESS = "process", "Change of process"
        REORGANISATION = "reorganisation", "Reorganisation"
        FREEZE = "freeze", "Freeze"
        INCIDENT = "incident", "Incident"
        TOOL = "tool", "Tool or platform"
        OTHER = "other", "Other"

    title = models.CharField(max_length=120)
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.IMPROVEMENT)
    happened_on = models.DateField("on")
    ended_on = models.DateField("until", null=True, blank=True)
    resets = models.BooleanField(
        "new limits", default=False, help_text="Control charts compute new limits from this day on."
    )
    expected = models.TextField(
        "what it should change", blank=True, help_text="Said before the figures are looked at."
    )
    train = TenantForeignKey("trains.Train", related_name="+", null=True, blank=True)
    team = TenantForeignKey("trains.Team", related_name="+", null=True, blank=True)
    service = TenantForeignKey("trains.Service", related_name="declared_changes", null=True, blank=True)
    withdrawn_at = models.DateTimeField("withdrawn", null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["-happened_on", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "improvement",
                        "process",
                        "reorganisation",
                        "freeze",
                        "incident",
                        "tool",
                        "other",
                    ]
                ),
                name="declared_change_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(ended_on__isnull=True) | Q(ended_on__gte=F("happened_on")),
                name="declared_change_ends_after_start",
            ),
        ]
        indexes = [models.Index(fields=["organization", "happened_on"], name="declared_change_by_day")]

    def __str__(self) -> str:
        return self.title

    def scope_path(self) -> list[ScopeKey]:
        own = [("declaredchange", str(self.pk))]
        return own + (service_scopes(self.service) if self.service else [])

    @property
    def state(self) -> str:
        return "withdrawn" if self.withdrawn_at else "declared"


class ReportSchedule(TenantModel):
    """A dashboard that is sent to people when a week, month, quarter or year is over."""

    class Every(models.TextChoices):
        WEEK = "week", "Week"
        MONTH = "month", "Month"
        QUARTER = "quarter", "Quarter"
        YEAR = "year", "Year"

    class Form(models.TextChoices):
        PDF = "pdf", "PDF"
        PNG = "png", "PNG"
        CSV = "csv", "CSV"
        JSON = "json", "JSON"

    name = models.CharField(max_length=80)
    dashboard = models.CharField(max_length=42)
    form = models.CharField(max_length=4, choices=Form.choices, default=Form.PDF)
    every = models.CharField(max_length=8, choices=Every.choices, default=Every.MONTH)
    question = models.JSONField(
        default=dict,
        blank=True,
        help_text="Filters and options of the dashboard; the period is the one that is over.",
    )
    recipients = models.JSONField(help_text="E-mail addresses of members.")
    begins = models.DateTimeField(help_text="No period that ends before this is sent.")
    sent_until = models.DateTimeField(null=True, blank=True)
    told = models.CharField("last said", max_length=300, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="report_schedule_name_once"),
            models.CheckConstraint(
                condition=Q(every__in=["week", "month", "quarter", "year"]),
                name="report_schedule_every_known",
            ),
            models.CheckConstraint(
                condition=Q(form__in=["pdf", "png", "csv", "json"]), name="report_schedule_form_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def scope_path(self) -> list[ScopeKey]:
        return [("reportschedule", str(self.pk))]

    @property
    def state(self) -> str:
        return "paused" if self.paused_at else "active"
