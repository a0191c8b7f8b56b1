"""What an organization holds its components and builds against: advisories, a licence policy, builders' keys."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .files import StoredFile
from .findings import Severity


class Advisory(TenantModel):
    """A published vulnerability and the packages that it affects; components are matched with it."""

    identifier = models.CharField(max_length=200)
    aliases = models.JSONField(default=list, blank=True)
    title = models.CharField(max_length=300)
    severity = models.CharField(max_length=10, choices=Severity.choices)
    score = models.DecimalField("CVSS score", max_digits=3, decimal_places=1, null=True, blank=True)
    vector = models.CharField("CVSS vector", max_length=200, blank=True)
    affected = models.JSONField(
        default=list, blank=True, help_text="Package, versions and ranges, as published."
    )
    packages = models.JSONField(default=list, blank=True, editable=False)
    source = models.CharField(max_length=120, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    modified_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField(default=now)
    file = TenantForeignKey(StoredFile, related_name="advisories", db_index=False)
    history = tracked()

    class Meta:
        ordering = ["-received_at", "-id"]
        verbose_name_plural = "advisories"
        constraints = [
            models.UniqueConstraint(fields=["organization", "identifier"], name="advisory_once"),
            models.CheckConstraint(
                condition=Q(severity__in=["critical", "high", "medium", "low", "info", "unknown"]),
                name="advisory_severity_known",
            ),
        ]
        indexes = [models.Index(fields=["organization", "-received_at"], name="advisory_recent")]

    def __str__(self) -> str:
        return f"{self.identifier}: {self.title}" if self.identifier not in self.title else self.title


class LicencePolicy(TenantModel):
    """Which licences an organization's components may have. At most one is in force."""

    class Unknown(models.TextChoices):
        DENY = "deny", "Denied until somebody has looked"
        ALLOW = "allow", "Allowed"

    name = models.CharField(max_length=120)
    allowed = models.JSONField(
        default=list, blank=True, help_text="SPDX identifiers. Empty: whatever is not denied."
    )
    denied = models.JSONField(default=list, blank=True, help_text="SPDX identifiers.")
    excepted = models.JSONField(
        default=list, blank=True, help_text="Package URLs without version that are let through."
    )
    unknown = models.CharField(
        "without a licence", max_length=5, choices=Unknown.choices, default=Unknown.DENY
    )
    retired_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["retired_at", "name", "id"]
        verbose_name_plural = "licence policies"
        constraints = [
            models.UniqueConstraint(
                fields=["organization"], condition=Q(retired_at__isnull=True), name="licence_policy_in_force"
            ),
            models.CheckConstraint(
                condition=Q(unknown__in=["deny", "allow"]), name="licence_policy_unknown_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BuilderKey(TenantModel):
    """A public key that provenance may be signed with."""

    name = models.CharField(max_length=120)
    public_key = models.TextField(help_text="PEM; Ed25519 or ECDSA over P-256.")
    algorithm = models.CharField(max_length=20, editable=False)
    fingerprint = models.CharField(max_length=71, editable=False)
    builder = models.CharField(
        max_length=300,
        blank=True,
        help_text="Whose key it is: the builder's id begins with this. Empty: anybody's.",
    )
    retired_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["retired_at", "name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "fingerprint"], name="builder_key_once"),
        ]

    def __str__(self) -> str:
        return self.name
