"""Findings of scanners: one per problem, however often it is reported."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .results import Result


class Severity(models.TextChoices):
    """How bad, by the reporting tool's CVSS score or its own words. Unknown is never taken for harmless."""

    CRITICAL = "critical", "Critical"
    HIGH = "high", "High"
    MEDIUM = "medium", "Medium"
    LOW = "low", "Low"
    INFO = "info", "Informational"
    UNKNOWN = "unknown", "Unknown"


class Finding(TenantModel):
    """A weakness in a service, recognised again by its fingerprint in every later scan, of whichever tool."""

    class Kind(models.TextChoices):
        STATIC_ANALYSIS = "static_analysis", "In the code"
        COMPOSITION = "composition", "In a component"
        SECRETS = "secrets", "A secret in the open"
        CONTAINER = "container", "In an image"
        DYNAMIC = "dynamic", "In the running service"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        TRIAGED = "triaged", "Triaged"
        FALSE_POSITIVE = "false_positive", "False positive"
        ACCEPTED = "accepted", "Risk accepted"
        FIXED = "fixed", "Fixed"
        REOPENED = "reopened", "Reopened"

    service = TenantForeignKey("trains.Service", related_name="findings", db_index=False)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    fingerprint = models.CharField(max_length=80)
    tool = models.CharField(max_length=120)
    rule = models.CharField(max_length=200, blank=True)
    title = models.CharField(max_length=300)
    severity = models.CharField(max_length=10, choices=Severity.choices)
    score = models.DecimalField("CVSS score", max_digits=3, decimal_places=1, null=True, blank=True)
    vector = models.CharField("CVSS vector", max_length=200, blank=True)
    aliases = models.JSONField(default=list, blank=True, help_text="Other names of the vulnerability.")
    package = models.CharField(
        max_length=500, blank=True, help_text="The package URL without version, of a finding in a component."
    )
    fixed_in = models.CharField(max_length=200, blank=True)
    reporters = models.JSONField(
        default=dict, blank=True, help_text="Every tool whose last scan reports it, with its severity."
    )
    state = models.CharField(max_length=16, choices=State.choices, default=State.OPEN)
    location = models.CharField(max_length=500, blank=True, help_text="File and line, or the component.")
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    due_at = models.DateTimeField(
        null=True, blank=True, help_text="By when it must be dealt with, by its severity."
    )
    accepted_until = models.DateTimeField(null=True, blank=True)
    assessment = models.TextField(
        blank=True, help_text="Why it is accepted or no real finding, or what is being done."
    )
    history = tracked()

    class Meta:
        ordering = ["due_at", "-first_seen_at"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "service", "fingerprint"], name="finding_once"),
            models.CheckConstraint(
                condition=Q(state__in=["open", "triaged", "false_positive", "accepted", "fixed", "reopened"]),
                name="finding_state_known",
            ),
            models.CheckConstraint(
                condition=Q(severity__in=["critical", "high", "medium", "low", "info", "unknown"]),
                name="finding_severity_known",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["static_analysis", "composition", "secrets", "container", "dynamic"]),
                name="finding_kind_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="accepted") | Q(accepted_until__isnull=False),
                name="finding_acceptance_ends",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "state", "due_at"], name="finding_by_state"),
            models.Index(fields=["organization", "service", "severity", "state"], name="finding_of_service"),
            models.Index(
                fields=["organization", "package"], condition=~Q(package=""), name="finding_of_package"
            ),
            models.Index(fields=["organization", "service", "first_seen_at"], name="finding_since"),
        ]

    def __str__(self) -> str:
        return f"{self.rule}: {self.title}" if self.rule and self.rule not in self.title else self.title

    def scope_path(self) -> list[ScopeKey]:
        from trains.models.service import service_scopes

        return service_scopes(self.service)


class FindingOccurrence(TenantModel):
    """A scan reported a finding; `exempt` says why that report itself does not count it, if it says so."""

    append_only = True

    class Exempt(models.TextChoices):
        COUNTS = "", "Counts"
        SUPPRESSED = "suppressed", "Suppressed in the code"
        NOT_AFFECTED = "not_affected", "Not affected (VEX)"
        RESOLVED = "resolved", "Resolved (VEX)"
        FALSE_POSITIVE = "false_positive", "False positive (VEX)"

    finding = TenantForeignKey(Finding, related_name="occurrences", db_index=False)
    result = TenantForeignKey(Result, related_name="occurrences", db_index=False)
    exempt = models.CharField(max_length=16, choices=Exempt.choices, default=Exempt.COUNTS, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "result", "finding"], name="occurrence_once")
        ]
        indexes = [models.Index(fields=["organization", "finding"], name="occurrence_of_finding")]

    def __str__(self) -> str:
        return f"{self.finding} in {self.result}"

    def scope_path(self) -> list[ScopeKey]:
        path: list[ScopeKey] = self.finding.scope_path()
        return path
