"""Failure drills: what is made to fail, which alerts must fire, and which did; and every alert that is reported."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel

from .service import Environment, Service, service_scopes


class FailureDrill(KeyedModel):
    """A failure brought about on purpose, to see whether monitoring notices it."""

    key_prefix = "DRL"

    class State(models.TextChoices):
        PLANNED = "planned", "Planned"
        RUNNING = "running", "Running"
        PASSED = "passed", "Passed"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    service = TenantForeignKey(Service, related_name="failure_drills")
    environment = TenantForeignKey(Environment, related_name="failure_drills")
    title = models.CharField(max_length=200)
    scenario = models.TextField(help_text="What is made to fail, and how it is put right again.")
    signal = models.CharField(
        max_length=12,
        choices=[
            ("latency", "Latency"),
            ("traffic", "Traffic"),
            ("errors", "Errors"),
            ("saturation", "Saturation"),
            ("dependency", "Failing dependency"),
        ],
        default="errors",
        help_text="Which way of failing it rehearses.",
    )
    expected = models.JSONField(
        default=list,
        editable=False,
        help_text="Alerts that must fire, each within its time, with its labels.",
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNED)
    planned_for = models.DateTimeField(null=True, blank=True)
    led_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    started_at = models.DateTimeField(null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    findings = models.TextField("what was learnt", blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["-created_at"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(state__in=["planned", "running", "passed", "failed", "cancelled"]),
                name="failure_drill_state_known",
            ),
            models.CheckConstraint(
                condition=Q(signal__in=["latency", "traffic", "errors", "saturation", "dependency"]),
                name="failure_drill_signal_known",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True)
                | Q(started_at__isnull=False, ended_at__gte=F("started_at")),
                name="failure_drill_ends_after_start",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["passed", "failed"]) | Q(ended_at__isnull=False),
                name="failure_drill_concluded_when",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "service", "-ended_at"], name="failure_drill_of_service"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.title}"

    def scope_path(self) -> list[ScopeKey]:
        return service_scopes(self.service)


class ObservedAlert(TenantModel):
    """A fact: an alert that monitoring reported. The same alert with the same beginning is one row."""

    service = TenantForeignKey(Service, related_name="observed_alerts", null=True, blank=True, db_index=False)
    environment = TenantForeignKey(
        Environment, related_name="observed_alerts", null=True, blank=True, db_index=False
    )
    name = models.CharField("alert", max_length=200)
    fingerprint = models.CharField(max_length=120, help_text="As the monitoring system tells alerts apart.")
    severity = models.CharField(max_length=40, blank=True)
    labels = models.JSONField(default=dict, blank=True)
    starts_at = models.DateTimeField("fired")
    ends_at = models.DateTimeField("resolved", null=True, blank=True)
    received_at = models.DateTimeField("received", default=now)
    source = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["-starts_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "source", "fingerprint", "starts_at"], name="observed_alert_once"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "service", "-starts_at"], name="observed_alert_of_service"),
            models.Index(fields=["organization", "-starts_at"], name="observed_alert_recent"),
        ]

    def __str__(self) -> str:
        return self.name

    def scope_path(self) -> list[ScopeKey]:
        return service_scopes(self.service) if self.service_id else []
