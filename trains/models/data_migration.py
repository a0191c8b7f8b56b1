"""Migrations and synchronisations of data between systems: their steps, their cut-over and the way back."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel

from .release import Release
from .service import Environment, Service
from .train import Train


class DataMigration(KeyedModel):
    """A plan that moves or synchronises data from one system to another."""

    key_prefix = "MIG"

    class Kind(models.TextChoices):
        MIGRATION = "migration", "Migration"
        SYNCHRONISATION = "synchronisation", "Synchronisation"

    class State(models.TextChoices):
        PLANNED = "planned", "Planned"
        RUNNING = "running", "Running"
        COMPLETED = "completed", "Completed"
        FELL_BACK = "fell_back", "Fell back"
        CANCELLED = "cancelled", "Cancelled"

    train = TenantForeignKey(Train, related_name="data_migrations")
    release = TenantForeignKey(Release, related_name="data_migrations", null=True, blank=True)
    title = models.CharField(max_length=200)
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.MIGRATION)
    source_system = models.CharField(max_length=120)
    target_system = models.CharField(max_length=120)
    cutover_starts = models.DateTimeField("cut-over from", null=True, blank=True)
    cutover_ends = models.DateTimeField("cut-over until", null=True, blank=True)
    fallback = models.TextField(
        help_text="How to go back before the point of no return, and how long it takes."
    )
    after_no_return = models.TextField(
        "after the point of no return",
        blank=True,
        help_text="What is done when it fails later: fix forward, restore.",
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNED)
    no_return_at = models.DateTimeField("point of no return passed", null=True, blank=True, editable=False)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["-created_at"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(cutover_starts__isnull=True, cutover_ends__isnull=True)
                | Q(cutover_ends__gt=F("cutover_starts")),
                name="data_migration_cutover",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["planned", "running", "completed", "fell_back", "cancelled"]),
                name="data_migration_state_known",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["migration", "synchronisation"]), name="data_migration_kind_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="fell_back") | Q(no_return_at__isnull=True),
                name="data_migration_no_way_back",
            ),
        ]
        indexes = [models.Index(fields=["organization", "state"], name="data_migration_by_state")]

    def __str__(self) -> str:
        return f"{self.key} {self.title}"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.train_id))]


class MigrationStep(TenantModel):
    """One step, in its place; some wait for a deployment, some verify, one is the point of no return."""

    class Kind(models.TextChoices):
        PREPARE = "prepare", "Prepare"
        COPY = "copy", "Copy"
        SYNCHRONISE = "synchronise", "Synchronise"
        VERIFY = "verify", "Verify"
        SWITCH = "switch", "Switch over"
        CLEAN_UP = "clean_up", "Clean up"

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        DROPPED = "dropped", "Dropped"

    migration = TenantForeignKey(DataMigration, related_name="steps", db_index=False)
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.COPY)
    title = models.CharField(max_length=200)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    minutes = models.PositiveIntegerField("estimate in minutes", default=30)
    waits_for_service = TenantForeignKey(
        Service, related_name="+", null=True, blank=True, verbose_name="waits for the deployment of"
    )
    waits_for_version = models.CharField(
        "in version", max_length=200, blank=True, help_text="A SemVer range."
    )
    waits_in = TenantForeignKey(
        Environment, related_name="+", null=True, blank=True, verbose_name="in environment"
    )
    verification_query = models.TextField(
        blank=True, help_text="What is asked to see that the data is right."
    )
    expected = models.CharField(max_length=300, blank=True, help_text="The answer that means right.")
    result = models.CharField(max_length=300, blank=True, help_text="The answer that came.")
    point_of_no_return = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    started_at = models.DateTimeField(null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)
    history = tracked()

    class Meta:
        ordering = ["migration", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "migration", "position"], name="migration_step_position"
            ),
            models.UniqueConstraint(
                fields=["organization", "migration"],
                condition=Q(point_of_no_return=True),
                name="migration_one_point_of_no_return",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "running", "done", "failed", "dropped"]),
                name="migration_step_state_known",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["prepare", "copy", "synchronise", "verify", "switch", "clean_up"]),
                name="migration_step_kind_known",
            ),
            models.CheckConstraint(
                condition=~Q(kind="verify") | ~Q(state="done") | Q(result=F("expected")),
                name="migration_step_verified",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.title}"

    def scope_path(self) -> list[ScopeKey]:
        return self.migration.scope_path()
