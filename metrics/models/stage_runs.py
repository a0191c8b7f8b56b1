"""Runs of pipeline stages with how they ended and why, as pipelines report them."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel
from trains.models.service import service_scopes


class StageRun(TenantModel):
    """A fact: one attempt of one stage for one commit. Several attempts of a commit tell what is flaky."""

    append_only = True

    class Outcome(models.TextChoices):
        PASSED = "passed", "Passed"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    class Cause(models.TextChoices):
        TESTS = "tests", "Tests"
        BUILD = "build", "Build"
        STATIC_ANALYSIS = "static_analysis", "Static analysis"
        SECURITY = "security", "Security scan"
        DEPENDENCY = "dependency", "Dependency"
        CONFIGURATION = "configuration", "Configuration"
        ENVIRONMENT = "environment", "Environment"
        INFRASTRUCTURE = "infrastructure", "Build infrastructure"
        TIMEOUT = "timeout", "Timeout"
        OTHER = "other", "Other"

    service = TenantForeignKey("trains.Service", related_name="stage_runs", db_index=False)
    team = TenantForeignKey(
        "trains.Team",
        related_name="stage_runs",
        null=True,
        blank=True,
        help_text="Whose change it was; by default the service's team.",
    )
    pipeline = models.CharField(max_length=120, default="delivery")
    stage = models.CharField(max_length=80)
    run = models.CharField(max_length=120, help_text="The pipeline's own id of the run.")
    attempt = models.PositiveSmallIntegerField(default=1)
    commit = models.CharField(max_length=64, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    cause = models.CharField(max_length=20, choices=Cause.choices, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    started_at = models.DateTimeField("started")
    finished_at = models.DateTimeField("finished")
    source = models.CharField(max_length=80, blank=True, help_text="The system that reported it.")
    url = models.CharField("address", max_length=500, blank=True)

    class Meta:
        verbose_name = "pipeline stage run"
        ordering = ["-finished_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=["passed", "failed", "cancelled"]), name="stage_run_outcome_known"
            ),
            models.CheckConstraint(
                condition=Q(finished_at__gte=F("started_at")), name="stage_run_finishes_after_start"
            ),
            models.CheckConstraint(
                condition=Q(cause="") | Q(outcome="failed"), name="stage_run_only_failures_have_causes"
            ),
            models.CheckConstraint(condition=Q(attempt__gte=1), name="stage_run_attempts_from_one"),
            models.UniqueConstraint(
                fields=["organization", "service", "pipeline", "stage", "run", "attempt", "source"],
                name="stage_run_once",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "finished_at"], name="stage_run_by_time"),
            models.Index(fields=["organization", "service", "finished_at"], name="stage_run_of_service"),
        ]

    def __str__(self) -> str:
        return f"{self.stage} of {self.run}: {self.get_outcome_display().lower()}"

    def scope_path(self) -> list[ScopeKey]:
        return service_scopes(self.service)
