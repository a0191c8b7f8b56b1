"""What runtimes report that they run, and the pipeline runs that made what is there to run."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from releasetrain.kernel.actor import ScopeKey
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .artifact import Artifact
from .service import Environment, Service, service_scopes


class RuntimeObservation(TenantModel):
    """A fact: a runtime saw this build of a service in an environment at a moment."""

    append_only = True

    service = TenantForeignKey(Service, related_name="runtime_observations", db_index=False)
    environment = TenantForeignKey(Environment, related_name="runtime_observations", db_index=False)
    digest = models.CharField(max_length=71, blank=True, help_text="Of the artifact that runs.")
    version = models.CharField(max_length=120, blank=True)
    instances = models.PositiveIntegerField(null=True, blank=True)
    started_at = models.DateTimeField(
        "running since",
        null=True,
        blank=True,
        help_text="When the runtime says that this build began to run.",
    )
    observed_at = models.DateTimeField(default=now)
    source = models.CharField(max_length=80, blank=True, help_text="The runtime that reported it.")

    class Meta:
        ordering = ["-observed_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "organization",
                    "service",
                    "environment",
                    "source",
                    "digest",
                    "version",
                    "observed_at",
                ],
                name="observation_once",
            ),
            models.CheckConstraint(condition=~Q(digest="", version=""), name="observation_says_what_runs"),
        ]
        indexes = [
            models.Index(
                fields=["organization", "service", "environment", "-observed_at"], name="observation_latest"
            ),
            models.Index(fields=["organization", "-observed_at"], name="observation_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.version or self.digest[:19]} in {self.environment}"

    def scope_path(self) -> list[ScopeKey]:
        return service_scopes(self.service)


class PipelineRun(TenantModel):
    """A fact: a run of a pipeline, the definition it ran by, and the build that it made."""

    append_only = True

    service = TenantForeignKey(Service, related_name="pipeline_runs", db_index=False)
    artifact = TenantForeignKey(Artifact, related_name="pipeline_runs", null=True, blank=True, db_index=False)
    source = models.CharField(max_length=80, help_text="The system that ran it.")
    external_id = models.CharField("run", max_length=200, help_text="That system's own id of the run.")
    definition = models.CharField(
        max_length=500,
        blank=True,
        help_text="Where the definition lies: a path in the repository, an address.",
    )
    definition_digest = models.CharField(max_length=71)
    stages = models.JSONField(default=list, blank=True, help_text="Of the definition, in its order.")
    commit = models.CharField(max_length=64)
    builder = models.CharField(max_length=200)
    outcome = models.CharField(max_length=40, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    recorded_at = models.DateTimeField(default=now)
    url = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-recorded_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "source", "external_id"], name="pipeline_run_once"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "artifact"], name="pipeline_run_of_artifact"),
            models.Index(fields=["organization", "service", "-recorded_at"], name="pipeline_run_of_service"),
            models.Index(fields=["organization", "-recorded_at"], name="pipeline_run_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.source} run {self.external_id}"

    def scope_path(self) -> list[ScopeKey]:
        return service_scopes(self.service)
