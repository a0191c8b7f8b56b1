"""Pipelines as ordered stages, and the events by which waiting and working time are measured."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .pipeline_template import Forge, PipelineTemplate
from .service import Service, service_scopes
from .train import Team
from .vocabulary import known


class Pipeline(TenantModel):
    """The way a change of a service takes to its users."""

    service = TenantForeignKey(Service, related_name="pipelines")
    name = models.CharField(max_length=120)
    template = TenantForeignKey(PipelineTemplate, related_name="pipelines", null=True, blank=True)
    forge = models.CharField("runs on", max_length=8, choices=Forge.choices, blank=True)
    history = tracked()

    class Meta:
        ordering = ["service__name", "name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "service", "name"], name="pipeline_name_once"),
            known("forge", "pipeline_forge_known", Forge, blank=True),
            models.CheckConstraint(
                condition=Q(template__isnull=True) | ~Q(forge=""), name="pipeline_of_template_runs_somewhere"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.name}"

    def scope_path(self) -> list[ScopeKey]:
        return service_scopes(self.service)


class Stage(TenantModel):
    """One stage of a pipeline, in the hands of a team; a gap between two teams is a handoff."""

    pipeline = TenantForeignKey(Pipeline, related_name="stages")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=80)
    team = TenantForeignKey(Team, related_name="stages", null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "pipeline", "name"],
                condition=Q(retired_at__isnull=True),
                name="stage_name_once",
            ),
            models.UniqueConstraint(
                fields=["organization", "pipeline", "position"],
                condition=Q(retired_at__isnull=True),
                name="stage_position_once",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def scope_path(self) -> list[ScopeKey]:
        return service_scopes(self.pipeline.service)


class StageEvent(TenantModel):
    """A fact: one run of a pipeline entered, started or finished a stage."""

    append_only = True

    class Kind(models.TextChoices):
        ENTERED = "entered", "Entered"
        STARTED = "started", "Started"
        FINISHED = "finished", "Finished"

    stage = TenantForeignKey(Stage, related_name="events", db_index=False)
    run = models.CharField(max_length=120, help_text="What passes through: a build, a version, a ticket.")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["entered", "started", "finished"]), name="stage_event_kind_known"
            ),
            models.UniqueConstraint(
                fields=["organization", "stage", "run", "kind", "at"], name="stage_event_once"
            ),
        ]
        indexes = [models.Index(fields=["organization", "stage", "-at"], name="stage_event_recent")]

    def __str__(self) -> str:
        return f"{self.run} {self.get_kind_display().lower()} {self.stage}"

    def scope_path(self) -> list[ScopeKey]:
        return self.stage.scope_path()
