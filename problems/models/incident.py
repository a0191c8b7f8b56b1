"""Incidents, the services they touched, and the deployments they are laid to."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel
from trains.models.service import service_scopes

from .vocabulary import SEVERITIES, Category, known, known_category


class Incident(KeyedModel):
    """An interruption or degradation of services, with the moments that recovery is measured from."""

    key_prefix = "INC"

    class State(models.TextChoices):
        DETECTED = "detected", "Detected"
        MITIGATED = "mitigated", "Mitigated"
        RESOLVED = "resolved", "Resolved"
        CLOSED = "closed", "Closed"

    title = models.CharField(max_length=200)
    severity = models.PositiveSmallIntegerField(choices=SEVERITIES, default=3)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DETECTED)
    category = models.CharField(max_length=24, choices=Category.choices, blank=True)
    impact = models.TextField(blank=True, help_text="Who could not do what.")
    started_at = models.DateTimeField(
        "started", null=True, blank=True, help_text="When it began; often known only later."
    )
    detected_at = models.DateTimeField("detected")
    acknowledged_at = models.DateTimeField(
        "acknowledged", null=True, blank=True, help_text="When somebody took it on."
    )
    mitigated_at = models.DateTimeField("mitigated", null=True, blank=True)
    resolved_at = models.DateTimeField("resolved", null=True, blank=True)
    source = models.CharField(max_length=80, blank=True, help_text="The system that reported it.")
    external_id = models.CharField(
        max_length=200,
        blank=True,
        help_text="The reporting system's own id; reports with the same id are one incident.",
    )
    fingerprint = models.CharField(
        max_length=120,
        blank=True,
        help_text="What incidents of the same kind have in common, e.g. an alert's name.",
    )
    url = models.CharField(max_length=500, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["-detected_at", "-id"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization", "source", "external_id"],
                condition=~Q(external_id=""),
                name="incident_report_once",
            ),
            known("state", "incident_state_known", "detected mitigated resolved closed"),
            known_category("incident_category_known", blank=True),
            models.CheckConstraint(
                condition=Q(severity__gte=1, severity__lte=4), name="incident_severity_known"
            ),
            models.CheckConstraint(
                condition=(Q(started_at__isnull=True) | Q(started_at__lte=F("detected_at")))
                & (Q(mitigated_at__isnull=True) | Q(mitigated_at__gte=F("detected_at")))
                & (Q(resolved_at__isnull=True) | Q(resolved_at__gte=F("detected_at")))
                & (
                    Q(resolved_at__isnull=True)
                    | Q(mitigated_at__isnull=True)
                    | Q(resolved_at__gte=F("mitigated_at"))
                ),
                name="incident_times_ordered",
            ),
            models.CheckConstraint(
                condition=Q(acknowledged_at__isnull=True) | Q(acknowledged_at__gte=F("detected_at")),
                name="incident_acknowledged_after_detection",
            ),
            models.CheckConstraint(
                condition=Q(state="detected", mitigated_at__isnull=True, resolved_at__isnull=True)
                | Q(state="mitigated", mitigated_at__isnull=False, resolved_at__isnull=True)
                | Q(state__in=["resolved", "closed"], resolved_at__isnull=False),
                name="incident_state_has_its_time",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-detected_at", "-id"], name="incident_recent"),
            models.Index(fields=["organization", "state", "severity"], name="incident_by_state"),
            models.Index(
                fields=["organization", "fingerprint", "detected_at"], name="incident_by_fingerprint"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.title}"[:200]

    def scope_path(self) -> list[ScopeKey]:
        path: list[ScopeKey] = [("incident", str(self.pk))]
        for touched in self.services.select_related("service"):
            path.extend(service_scopes(touched.service))
        return path

    @property
    def is_open(self) -> bool:
        return self.state in (self.State.DETECTED, self.State.MITIGATED)

    @property
    def began_at(self) -> datetime:
        """When it began, as far as is known."""
        return self.started_at or self.detected_at


class IncidentService(TenantModel):
    """A service that an incident touched. Corrections are in the ledger of the incident."""

    incident = TenantForeignKey(Incident, related_name="services", db_index=False)
    service = TenantForeignKey("trains.Service", related_name="incidents", db_index=False)

    class Meta:
        ordering = ["service__name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "incident", "service"], name="incident_service_once"
            )
        ]
        indexes = [models.Index(fields=["organization", "service"], name="incident_of_service")]

    def __str__(self) -> str:
        return f"{self.service}"

    def scope_path(self) -> list[ScopeKey]:
        return service_scopes(self.service)


class FailureLink(TenantModel):
    """What a deployment had to do with an incident: proposed by a person or rule, then accepted or disputed."""

    class Kind(models.TextChoices):
        CAUSED = "caused", "Caused it"
        CONTRIBUTED = "contributed", "Contributed to it"
        RECOVERED_BY = "recovered_by", "Recovered from it"

    class Status(models.TextChoices):
        PROPOSED = "proposed", "Proposed"
        ACCEPTED = "accepted", "Accepted"
        DISPUTED = "disputed", "Disputed"

    incident = TenantForeignKey(Incident, related_name="failure_links", db_index=False)
    deployment = TenantForeignKey("trains.Deployment", related_name="failure_links", db_index=False)
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.CAUSED)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PROPOSED)
    reason = models.TextField(blank=True)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        help_text="Nobody: a rule proposed it.",
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "incident", "deployment", "kind"], name="failure_link_once"
            ),
            known("kind", "failure_link_kind_known", "caused contributed recovered_by"),
            known("status", "failure_link_status_known", "proposed accepted disputed"),
            models.CheckConstraint(
                condition=Q(status="proposed") | Q(decided_at__isnull=False), name="failure_link_decided"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "deployment", "kind"], name="failure_link_of_deployment")
        ]

    def __str__(self) -> str:
        return f"{self.deployment}: {self.get_kind_display().lower()}, {self.get_status_display().lower()}"
