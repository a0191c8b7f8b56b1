"""Deployment plans: the steps of several teams, what waits for what, who holds a step, and how it went."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel

from .deployment import Deployment
from .release import Release
from .service import Environment, Service
from .train import Team, Train
from .vocabulary import known


class PlanState(models.TextChoices):
    """Where a plan is."""

    DRAFT = "draft", "Draft"
    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Given up"
    CANCELLED = "cancelled", "Cancelled"


class StepKind(models.TextChoices):
    """What a step does."""

    SCHEMA_EXPAND = "schema_expand", "Expand schema"
    DEPLOY = "deploy", "Deploy"
    MIGRATE = "migrate", "Migrate data"
    VERIFY = "verify", "Verify"
    SWITCH = "switch", "Switch traffic"
    SCHEMA_CONTRACT = "schema_contract", "Contract schema"
    MANUAL = "manual", "By hand"


class StepState(models.TextChoices):
    """What is on record of a step."""

    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    SKIPPED = "skipped", "Skipped"


class DeploymentPlan(KeyedModel):
    """How the services of several teams are brought out together: steps that wait for each other."""

    key_prefix = "DPL"

    State = PlanState

    train = TenantForeignKey(Train, related_name="deployment_plans")
    release = TenantForeignKey(Release, related_name="deployment_plans", null=True, blank=True)
    title = models.CharField(max_length=200)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    starts_at = models.DateTimeField("planned start", null=True, blank=True)
    lease_minutes = models.PositiveIntegerField(
        "lease in minutes", default=15, help_text="How long a pipeline holds a step without a sign of life."
    )
    started_at = models.DateTimeField(null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["-created_at"]
        constraints = [
            *KeyedModel.Meta.constraints,
            known("state", "deployment_plan_state_known", PlanState),
            models.CheckConstraint(condition=Q(lease_minutes__gte=1), name="deployment_plan_lease_positive"),
            models.CheckConstraint(
                condition=~Q(state__in=["running", "completed"]) | Q(started_at__isnull=False),
                name="deployment_plan_started_when",
            ),
        ]
        indexes = [models.Index(fields=["organization", "state"], name="deployment_plan_by_state")]

    def __str__(self) -> str:
        return f"{self.key} {self.title}"

    @property
    def present_steps(self) -> models.QuerySet[PlanStep]:
        """The steps that were not taken out of the draft."""
        return PlanStep.objects.filter(plan=self, removed_at__isnull=True)

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.train_id))]


class PlanStep(TenantModel):
    """One step of a plan. Whoever claims it holds it under a lease, and only the holder's token reports on it."""

    Kind = StepKind
    State = StepState

    plan = TenantForeignKey(DeploymentPlan, related_name="steps", db_index=False)
    number = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=16, choices=Kind.choices)
    title = models.CharField(max_length=200)
    service = TenantForeignKey(Service, related_name="plan_steps", null=True, blank=True)
    environment = TenantForeignKey(Environment, related_name="plan_steps", null=True, blank=True)
    team = TenantForeignKey(
        Team, related_name="plan_steps", null=True, blank=True, verbose_name="owning team"
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    minutes = models.PositiveIntegerField("estimate in minutes", default=15)
    after = models.JSONField(
        "waits for", default=list, blank=True, help_text="Numbers of the steps that are done before."
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    held_by = models.CharField(max_length=120, blank=True, help_text="The pipeline that claimed it.")
    token_digest = models.CharField(max_length=64, default="", blank=True, editable=False)
    held_until = models.DateTimeField("held until", null=True, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    started_at = models.DateTimeField(null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)
    said = models.TextField("last report", blank=True, editable=False)
    url = models.CharField("link to the run", max_length=500, blank=True, editable=False)
    deployment = TenantForeignKey(Deployment, related_name="plan_steps", null=True, blank=True)
    removed_at = models.DateTimeField("taken out", null=True, blank=True, editable=False)
    history = tracked()

    class Meta:
        ordering = ["number", "id"]
        indexes = [models.Index(fields=["organization", "plan", "number"], name="plan_step_of_plan")]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "plan", "number"],
                condition=Q(removed_at__isnull=True),
                name="plan_step_number_once",
            ),
            known("state", "plan_step_state_known", StepState),
            known("kind", "plan_step_kind_known", StepKind),
            models.CheckConstraint(condition=Q(minutes__gte=1), name="plan_step_takes_time"),
            models.CheckConstraint(
                condition=~Q(state="running")
                | (~Q(held_by="") & Q(held_until__isnull=False, started_at__isnull=False)),
                name="plan_step_running_is_held",
            ),
            models.CheckConstraint(
                condition=Q(state="running") | Q(token_digest=""),  # nosec B106 - no digest, no password
                name="plan_step_token_while_running",
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True)
                | Q(started_at__isnull=True)
                | Q(finished_at__gte=F("started_at")),
                name="plan_step_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number}. {self.title}"

    def is_held(self, at: datetime) -> bool:
        """Whether somebody holds it whose lease has not run out."""
        return self.state == self.State.RUNNING and self.held_until is not None and self.held_until > at

    def scope_path(self) -> list[ScopeKey]:
        return self.plan.scope_path()
