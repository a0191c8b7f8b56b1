"""Staged rollouts: the path that traffic takes to a new version, one rollout on it, and each command to the platform."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel

from .artifact import Artifact
from .canary import CanaryConfig
from .deployment import Deployment
from .release import Release
from .service import Environment, Service, service_scopes


class StagedPath(TenantModel):
    """How traffic is moved to a new version: steps with their weights and bake times, and what judges each.

    A rollout keeps the path as it was when the rollout was planned. Whoever may order rollbacks authorises that a
    failed analysis goes back by itself; a change of the path ends that authorisation.
    """

    service = TenantForeignKey(
        Service, related_name="staged_paths", null=True, blank=True, help_text="Empty: any service."
    )
    name = models.CharField(max_length=120)
    steps = models.JSONField(default=list, help_text="Weight in percent, bake time, and what judges it.")
    config = TenantForeignKey(
        CanaryConfig,
        related_name="staged_paths",
        verbose_name="judged by",
        help_text="Where a step names no other.",
    )
    canary_labels = models.JSONField(default=dict, help_text="Of the series of the new version.")
    baseline_labels = models.JSONField(default=dict, help_text="Of the series of the version that runs.")
    auto_advance = models.BooleanField("advances by itself", default=True)
    confirm_minutes = models.PositiveIntegerField(
        "platform confirms within minutes", default=10, help_text="Later than that the rollout is held."
    )
    authorised_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="automatic rollback authorised by",
        help_text="Empty: a failed analysis holds the rollout, and a person orders the rollback.",
    )
    authorised_at = models.DateTimeField(null=True, blank=True, editable=False)
    retired_at = models.DateTimeField("retired", null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"],
                condition=Q(retired_at__isnull=True),
                name="staged_path_name_once",
            ),
            models.CheckConstraint(condition=Q(confirm_minutes__gte=1), name="staged_path_confirms"),
            models.CheckConstraint(
                condition=Q(authorised_by__isnull=True) | Q(authorised_at__isnull=False),
                name="staged_path_authorised_when",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def scope_path(self) -> list[ScopeKey]:
        return service_scopes(self.service) if self.service else []


class Rollout(KeyedModel):
    """One version of one service on its way through the steps of a staged path."""

    key_prefix = "ROL"

    class State(models.TextChoices):
        PLANNED = "planned", "Planned"
        RUNNING = "running", "Running"
        HELD = "held", "Held"
        ROLLING_BACK = "rolling_back", "Rolling back"
        ROLLED_BACK = "rolled_back", "Rolled back"
        COMPLETED = "completed", "Completed"
        CANCELLED = "cancelled", "Cancelled"

    class HeldBy(models.TextChoices):
        PERSON = "person", "A person"
        BLOCKER = "blocker", "An active problem or a freeze"
        ANALYSIS = "analysis", "The analysis"
        DATA = "data", "Too little data"
        COMMAND = "command", "The platform"

    release = TenantForeignKey(Release, related_name="rollouts", null=True, blank=True)
    service = TenantForeignKey(Service, related_name="rollouts")
    environment = TenantForeignKey(Environment, related_name="rollouts")
    path = TenantForeignKey(StagedPath, related_name="rollouts")
    artifact = TenantForeignKey(Artifact, related_name="rollouts", null=True, blank=True)
    version = models.CharField(max_length=120)
    baseline_version = models.CharField("compared with", max_length=120, blank=True)
    deployment = TenantForeignKey(
        Deployment,
        related_name="rollouts",
        null=True,
        blank=True,
        help_text="The deployment that the rollout carries, once it is reported.",
    )
    state = models.CharField(max_length=12, choices=State.choices, default=State.PLANNED)
    steps = models.JSONField(default=list, editable=False)
    config = TenantForeignKey(CanaryConfig, related_name="rollouts", verbose_name="judged by", editable=False)
    canary_labels = models.JSONField(default=dict, editable=False)
    baseline_labels = models.JSONField(default=dict, editable=False)
    auto_advance = models.BooleanField("advances by itself", default=True, editable=False)
    auto_roll_back = models.BooleanField("goes back by itself", default=False, editable=False)
    confirm_minutes = models.PositiveIntegerField(default=10, editable=False)
    step = models.PositiveSmallIntegerField(
        default=0, editable=False, help_text="Number of the step, from 1."
    )
    weight = models.PositiveSmallIntegerField(
        "traffic in percent", default=0, editable=False, help_text="As the platform confirmed it last."
    )
    step_began_at = models.DateTimeField(
        "step since",
        null=True,
        blank=True,
        editable=False,
        help_text="Since the platform confirmed its weight.",
    )
    held_by = models.CharField(max_length=8, choices=HeldBy.choices, blank=True, default="", editable=False)
    reason = models.TextField("why it stands as it does", blank=True, editable=False)
    analyses = models.JSONField(
        default=list, editable=False, help_text="The latest analysis of each step by each configuration."
    )
    started_at = models.DateTimeField(null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["-created_at"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "planned",
                        "running",
                        "held",
                        "rolling_back",
                        "rolled_back",
                        "completed",
                        "cancelled",
                    ]
                ),
                name="rollout_state_known",
            ),
            models.CheckConstraint(
                condition=Q(held_by__in=["", "person", "blocker", "analysis", "data", "command"]),
                name="rollout_held_by_known",
            ),
            models.CheckConstraint(
                condition=Q(state="held") & ~Q(held_by="") | ~Q(state="held") & Q(held_by=""),
                name="rollout_held_by_something",
            ),
            models.CheckConstraint(condition=Q(weight__lte=100), name="rollout_weight_percent"),
            # Two rollouts of a service in one environment would shift the same traffic.
            models.UniqueConstraint(
                fields=["organization", "service", "environment"],
                condition=Q(state__in=["running", "held", "rolling_back"]),
                name="rollout_one_at_a_time",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "state", "-created_at"], name="rollout_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.service} {self.version} to {self.environment}"

    @property
    def title(self) -> str:
        """What links say beside the key."""
        return f"{self.service} {self.version} to {self.environment}"

    @property
    def is_under_way(self) -> bool:
        return self.state in (self.State.RUNNING, self.State.HELD, self.State.ROLLING_BACK)

    def scope_path(self) -> list[ScopeKey]:
        return service_scopes(self.service)


class RolloutCommand(TenantModel):
    """A command to the user's platform to shift traffic. Its id is the key by which a repeated delivery is known."""

    class Act(models.TextChoices):
        SHIFT = "shift", "Shift traffic"
        ROLL_BACK = "roll_back", "Roll back"

    class State(models.TextChoices):
        AWAITING = "awaiting", "Awaiting confirmation"
        CONFIRMED = "confirmed", "Confirmed"
        REFUSED = "refused", "Refused"
        SUPERSEDED = "superseded", "Superseded"

    rollout = TenantForeignKey(Rollout, related_name="commands", db_index=False)
    number = models.PositiveSmallIntegerField()
    act = models.CharField("command", max_length=10, choices=Act.choices)
    step = models.PositiveSmallIntegerField(default=0)
    weight = models.PositiveSmallIntegerField("traffic in percent")
    state = models.CharField(max_length=10, choices=State.choices, default=State.AWAITING)
    issued_at = models.DateTimeField("sent")
    due_at = models.DateTimeField("confirmed until")
    sent_times = models.PositiveSmallIntegerField("times sent", default=1)
    answered_at = models.DateTimeField("answered", null=True, blank=True)
    answered_by = models.CharField(max_length=200, blank=True)
    answer = models.CharField(max_length=500, blank=True)
    history = tracked()

    class Meta:
        ordering = ["rollout", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "rollout", "number"], name="rollout_command_number"
            ),
            models.UniqueConstraint(
                fields=["organization", "rollout"],
                condition=Q(state="awaiting"),
                name="rollout_command_one_awaits",
            ),
            models.CheckConstraint(condition=Q(act__in=["shift", "roll_back"]), name="rollout_command_known"),
            models.CheckConstraint(
                condition=Q(state__in=["awaiting", "confirmed", "refused", "superseded"]),
                name="rollout_command_state_known",
            ),
            models.CheckConstraint(condition=Q(weight__lte=100), name="rollout_command_weight"),
            models.CheckConstraint(
                condition=~Q(act="roll_back") | Q(weight=0), name="rollout_command_back_to_nothing"
            ),
        ]
        indexes = [models.Index(fields=["organization", "state", "due_at"], name="rollout_command_due")]

    def __str__(self) -> str:
        what = "Roll back" if self.act == self.Act.ROLL_BACK else f"{self.weight} %"
        return f"{self.rollout.key} command {self.number}: {what}"

    def scope_path(self) -> list[ScopeKey]:
        return self.rollout.scope_path()
