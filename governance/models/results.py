"""Results that pipelines post about an artifact, and the components that a bill of materials lists."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q

from releasetrain.kernel.actor import ScopeKey
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .files import StoredFile


class ResultKind(models.TextChoices):
    """What a result is evidence of."""

    TESTS = "tests", "Test results"
    COVERAGE = "coverage", "Code coverage"
    STATIC_ANALYSIS = "static_analysis", "Static analysis"
    COMPOSITION = "composition", "Software composition"
    SECRETS = "secrets", "Secrets scan"
    CONTAINER = "container", "Container scan"
    DYNAMIC = "dynamic", "Dynamic scan"
    PERFORMANCE = "performance", "Performance"
    PROVENANCE = "provenance", "Provenance"


class Result(TenantModel):
    """A report about one artifact, as received, with what was read from it. It never changes."""

    append_only = True

    artifact = TenantForeignKey("trains.Artifact", related_name="results", db_index=False)
    kind = models.CharField(max_length=20, choices=ResultKind.choices)
    format = models.CharField(max_length=40)
    tool = models.CharField(max_length=120, blank=True)
    # What a later result replaces: the same kind, tool and stream of the same artifact (see `queries.results`).
    stream = models.CharField(max_length=150, blank=True)
    name = models.CharField("file name", max_length=150)
    summary = models.JSONField(default=dict)
    file = TenantForeignKey(StoredFile, related_name="results", db_index=False)
    source = models.CharField(max_length=120, blank=True, help_text="The pipeline that posted it.")
    run_url = models.CharField(max_length=500, blank=True)
    produced_at = models.DateTimeField(
        null=True, blank=True, help_text="When the report itself says it was made."
    )
    reported_at = models.DateTimeField(default=now)
    reported_by = models.UUIDField(null=True)
    digest = models.CharField(max_length=71)

    class Meta:
        ordering = ["-reported_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "tests",
                        "coverage",
                        "static_analysis",
                        "composition",
                        "secrets",
                        "container",
                        "dynamic",
                        "performance",
                        "provenance",
                    ]
                ),
                name="result_kind_known",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "artifact", "kind", "-reported_at"], name="result_of_artifact"
            ),
            models.Index(fields=["organization", "-reported_at"], name="result_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.artifact}"

    @property
    def as_of(self) -> datetime:
        """The moment its evidence is from: never later than its receipt, whatever the report claims."""
        return min(self.produced_at, self.reported_at) if self.produced_at else self.reported_at

    def scope_path(self) -> list[ScopeKey]:
        path: list[ScopeKey] = self.artifact.scope_path()
        return path


class Component(TenantModel):
    """A part that a bill of materials lists: answers "where is this library?"."""

    append_only = True

    result = TenantForeignKey(Result, related_name="components", db_index=False)
    purl = models.CharField("package URL", max_length=1000, blank=True)
    name = models.CharField(max_length=500)
    version = models.CharField(max_length=200, blank=True)
    licence = models.CharField(max_length=500, blank=True)
    package = models.CharField(
        max_length=500, blank=True, help_text="The package URL without version and qualifiers, in lower case."
    )

    class Meta:
        ordering = ["name", "version"]
        indexes = [
            models.Index(fields=["organization", "result"], name="component_of_result"),
            models.Index(fields=["organization", "name", "version"], name="component_by_name"),
            models.Index(
                fields=["organization", "package"],
                condition=~Q(package=""),
                name="component_by_package",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()

    def scope_path(self) -> list[ScopeKey]:
        path: list[ScopeKey] = self.result.scope_path()
        return path
