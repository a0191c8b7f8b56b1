"""Artifacts: what a build made, named by its digest."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .service import Service, service_scopes

DIGEST = r"^sha256:[0-9a-f]{64}$"


class Artifact(TenantModel):
    """An immutable build of a service: one service and version never changes its digest."""

    service = TenantForeignKey(Service, related_name="artifacts")
    digest = models.CharField(
        max_length=71, validators=[RegexValidator(DIGEST, "A digest is sha256: and 64 hexadecimal digits.")]
    )
    version = models.CharField(max_length=120, blank=True)
    commit = models.CharField(max_length=64, blank=True)
    builder = models.CharField(max_length=200, blank=True)
    built_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["-built_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "digest"], name="artifact_digest_once"),
            models.UniqueConstraint(
                fields=["organization", "service", "version"],
                condition=~Q(version=""),
                name="artifact_version_immutable",
            ),
        ]

    def __str__(self) -> str:
        return (
            f"{self.service} {self.version}".strip() if self.version else f"{self.service} {self.digest[:19]}"
        )

    @property
    def title(self) -> str:
        """What links say."""
        return str(self)

    def scope_path(self) -> list[ScopeKey]:
        return service_scopes(self.service)
