"""Contracts between a consumer and a provider: what each consumer version expects, and which provider version meets it."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .artifact import DIGEST
from .service import Service, service_scopes


class Contract(TenantModel):
    """An API or an event stream that one service offers and another relies on."""

    class Kind(models.TextChoices):
        API = "api", "API"
        EVENT = "event", "Event"

    consumer = TenantForeignKey(Service, related_name="contracts_consumed")
    provider = TenantForeignKey(Service, related_name="contracts_provided")
    name = models.CharField(max_length=120, default="API", help_text="The API, topic or queue.")
    kind = models.CharField(max_length=5, choices=Kind.choices, default=Kind.API)
    description = models.TextField(blank=True)
    retired_at = models.DateTimeField("retired", null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["consumer__name", "provider__name", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "consumer", "provider", "name"], name="contract_once"
            ),
            models.CheckConstraint(condition=~Q(consumer=F("provider")), name="contract_of_two"),
            models.CheckConstraint(condition=Q(kind__in=["api", "event"]), name="contract_kind_known"),
        ]
        indexes = [models.Index(fields=["organization", "provider"], name="contract_of_provider")]

    def __str__(self) -> str:
        return f"{self.consumer} relies on {self.provider} ({self.name})"

    def scope_path(self) -> list[ScopeKey]:
        return [*service_scopes(self.consumer), *service_scopes(self.provider)]


class ContractVersion(TenantModel):
    """What one version of the consumer expects. Versions that expect the same share its digest and its verifications."""

    append_only = True

    contract = TenantForeignKey(Contract, related_name="versions", db_index=False)
    consumer_version = models.CharField(max_length=120)
    content_digest = models.CharField(
        max_length=71, validators=[RegexValidator(DIGEST, "A digest is sha256: and 64 hexadecimal digits.")]
    )
    expectations = models.PositiveIntegerField(default=0, help_text="Interactions or messages described.")
    format = models.CharField(max_length=40, blank=True)
    document = models.JSONField(default=dict)
    source = models.CharField(max_length=80, blank=True)
    published_at = models.DateTimeField()

    class Meta:
        ordering = ["-published_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "contract", "consumer_version"], name="contract_version_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.contract.consumer} {self.consumer_version} on {self.contract.provider} ({self.contract.name})"

    def scope_path(self) -> list[ScopeKey]:
        return self.contract.scope_path()


class ContractVerification(TenantModel):
    """One run of a consumer's expectations against a version of the provider; the latest run of a pair counts."""

    append_only = True

    contract = TenantForeignKey(Contract, related_name="verifications", db_index=False)
    content_digest = models.CharField(max_length=71)
    provider_version = models.CharField(max_length=120)
    success = models.BooleanField()
    format = models.CharField(max_length=40)
    total = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    failing = models.JSONField(default=list, help_text="The first failing expectations, with their messages.")
    report_digest = models.CharField(max_length=71, blank=True)
    source = models.CharField(max_length=80, blank=True)
    run_url = models.CharField(max_length=500, blank=True)
    reported_at = models.DateTimeField()

    class Meta:
        ordering = ["-reported_at", "-id"]
        indexes = [
            models.Index(
                fields=["organization", "contract", "content_digest", "provider_version", "-reported_at"],
                name="contract_verification_of",
            )
        ]

    def __str__(self) -> str:
        word = "meets" if self.success else "breaks"
        return f"{self.contract.provider} {self.provider_version} {word} {self.contract.consumer}"

    def scope_path(self) -> list[ScopeKey]:
        return self.contract.scope_path()
