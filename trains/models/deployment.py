"""Deployments and the commits they carried."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .artifact import Artifact
from .release import Release
from .service import Environment, Service, service_scopes


class Deployment(TenantModel):
    """One deployment of one service to one environment, as reported by whoever did it.

    `outcome` is what its own events settled to; `state` is the same unless a later rollback undid it.
    """

    class Kind(models.TextChoices):
        DEPLOY = "deploy", "Deployment"
        ROLLBACK = "rollback", "Rollback"
        REDEPLOY = "redeploy", "Redeployment"

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"
        ROLLED_BACK = "rolled_back", "Rolled back"
        CANCELLED = "cancelled", "Cancelled"

    service = TenantForeignKey(Service, related_name="deployments", db_index=False)
    environment = TenantForeignKey(Environment, related_name="deployments", db_index=False)
    release = TenantForeignKey(Release, related_name="deployments", null=True, blank=True, db_index=False)
    artifact = TenantForeignKey(Artifact, related_name="deployments", null=True, blank=True)
    version = models.CharField(max_length=120, blank=True)
    commit = models.CharField(max_length=64, blank=True)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.DEPLOY)
    state = models.CharField(max_length=12, choices=State.choices, default=State.RUNNING)
    outcome = models.CharField(max_length=12, choices=State.choices, default=State.RUNNING, editable=False)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    source = models.CharField(max_length=80, blank=True, help_text="The system that reported it.")
    external_id = models.CharField(
        max_length=200,
        blank=True,
        help_text="The reporting system's own id; reports with the same id are one deployment.",
    )
    deployed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    deployed_by_name = models.CharField(max_length=200, blank=True)
    emergency = models.BooleanField(default=False)
    rework = models.BooleanField(
        default=False, help_text="Unplanned, made necessary by what happened in production."
    )
    restores = TenantForeignKey(
        "self",
        related_name="restored_by",
        null=True,
        blank=True,
        db_index=False,
        help_text="For a rollback: the deployment whose version came back.",
    )
    rolls_back = TenantForeignKey(
        "self",
        related_name="rolled_back_by",
        null=True,
        blank=True,
        db_index=False,
        help_text="For a rollback: the deployment it undid.",
    )
    url = models.CharField(max_length=500, blank=True)
    history = tracked()

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "source", "external_id"],
                condition=~Q(external_id=""),
                name="deployment_event_once",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["deploy", "rollback", "redeploy"]), name="deployment_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["running", "succeeded", "failed", "rolled_back", "cancelled"]),
                name="deployment_state_known",
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(finished_at__gte=F("started_at")),
                name="deployment_finishes_after_start",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-started_at", "-id"], name="deployment_recent"),
            models.Index(
                fields=["organization", "environment", "started_at"], name="deployment_by_environment"
            ),
            models.Index(fields=["organization", "environment", "finished_at"], name="deployment_by_finish"),
            models.Index(
                fields=["organization", "service", "environment", "-started_at"], name="deployment_of_service"
            ),
            models.Index(
                fields=["organization", "release"],
                condition=Q(release__isnull=False),
                name="deployment_of_release",
            ),
            models.Index(
                fields=["organization", "rolls_back"],
                condition=Q(rolls_back__isnull=False),
                name="deployment_undone",
            ),
            models.Index(
                fields=["organization", "restores"],
                condition=Q(restores__isnull=False),
                name="deployment_restored",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.version or self.commit[:10]} to {self.environment}".replace("  ", " ")

    @property
    def title(self) -> str:
        """What links say: a version alone does not tell which deployment it is."""
        return str(self)

    def scope_path(self) -> list[ScopeKey]:
        return service_scopes(self.service)


class Commit(TenantModel):
    """A change to a service's source with the moments that lead time is measured from."""

    service = TenantForeignKey(Service, related_name="commits", db_index=False)
    sha = models.CharField(max_length=64)
    authored_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True, blank=True, help_text="When the pull request was opened.")
    merged_at = models.DateTimeField(null=True, blank=True)
    author_name = models.CharField(max_length=200, blank=True)
    author_email = models.CharField(
        "author's e-mail",
        max_length=254,
        blank=True,
        help_text="Who wrote it: this person does not approve it.",
    )
    title = models.CharField(max_length=300, blank=True)
    lines_added = models.PositiveIntegerField(null=True, blank=True)
    lines_removed = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["-authored_at"]
        constraints = [models.UniqueConstraint(fields=["organization", "service", "sha"], name="commit_once")]
        indexes = [models.Index(fields=["organization", "sha"], name="commit_by_sha")]

    def __str__(self) -> str:
        return f"{self.sha[:10]} {self.title}".strip()

    def scope_path(self) -> list[ScopeKey]:
        return service_scopes(self.service)


class DeploymentCommit(TenantModel):
    """A deployment carried a commit."""

    append_only = True

    deployment = TenantForeignKey(Deployment, related_name="commits", db_index=False)
    commit = TenantForeignKey(Commit, related_name="deployments", db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "deployment", "commit"], name="deployment_commit_once"
            )
        ]
        indexes = [models.Index(fields=["organization", "commit"], name="deployment_of_commit")]

    def __str__(self) -> str:
        return f"{self.commit} in {self.deployment}"

    def scope_path(self) -> list[ScopeKey]:
        return self.deployment.scope_path()
