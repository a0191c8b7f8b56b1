"""Joint incident response plans of several trains: who does what, where they meet, and when it was last tried."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel

from .train import Train


class IncidentPlan(KeyedModel):
    """How several trains answer an incident together."""

    key_prefix = "IRP"

    title = models.CharField(max_length=200)
    trigger = models.TextField(help_text="Which incidents start this plan.")
    bridge = models.CharField(max_length=300, help_text="Where everybody meets: call, room, channel.")
    standby_bridge = models.CharField(max_length=300, blank=True, help_text="Where, if that does not work.")
    steps = models.TextField(blank=True)
    drill_days = models.PositiveSmallIntegerField(
        "days between drills", default=180, help_text="A plan not exercised for longer is overdue."
    )
    last_exercised_on = models.DateField(null=True, blank=True, editable=False)
    retired_at = models.DateTimeField("retired", null=True, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["key"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(condition=Q(drill_days__gte=1), name="incident_plan_drill_days"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.title}"

    @property
    def standing(self) -> str:
        """Whether the plan can be relied on: exercised in time, overdue, or never exercised."""
        if self.retired_at:
            return "retired"
        if self.last_exercised_on is None:
            return "untested"
        due = self.last_exercised_on + timedelta(days=self.drill_days)
        return "overdue" if due < now().date() else "valid"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(pk)) for pk in self.trains.values_list("train_id", flat=True)]


class IncidentPlanTrain(TenantModel):
    """A train that takes part in the plan."""

    plan = TenantForeignKey(IncidentPlan, related_name="trains", db_index=False)
    train = TenantForeignKey(Train, related_name="incident_plans")
    history = tracked()

    class Meta:
        ordering = ["train__key"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "plan", "train"], name="incident_plan_train_once")
        ]

    def __str__(self) -> str:
        return f"{self.train} in {self.plan.key}"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.train_id))]


class IncidentPlanRole(TenantModel):
    """Who does what when the plan is started, and who instead."""

    class Duty(models.TextChoices):
        COMMANDER = "commander", "Incident commander"
        OPERATIONS = "operations", "Operations lead"
        COMMUNICATION = "communication", "Communications lead"
        SCRIBE = "scribe", "Scribe"
        LIAISON = "liaison", "Liaison"
        EXPERT = "expert", "Subject expert"

    plan = TenantForeignKey(IncidentPlan, related_name="roles")
    duty = models.CharField(max_length=14, choices=Duty.choices)
    train = TenantForeignKey(Train, related_name="+", null=True, blank=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    deputy = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    name = models.CharField(
        max_length=120, blank=True, help_text="Somebody without an account, e.g. a vendor."
    )
    contact = models.CharField(max_length=200, help_text="Telephone, pager or address that works at night.")
    ended_at = models.DateTimeField("ended", null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["plan", "duty", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    duty__in=["commander", "operations", "communication", "scribe", "liaison", "expert"]
                ),
                name="incident_plan_duty_known",
            ),
            models.CheckConstraint(
                condition=Q(person__isnull=False) | ~Q(name=""), name="incident_plan_role_has_somebody"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_duty_display()}: {self.person or self.name}"

    def scope_path(self) -> list[ScopeKey]:
        return self.plan.scope_path()


class IncidentDrill(TenantModel):
    """One exercise of the plan, or a real incident that it was used in."""

    class Outcome(models.TextChoices):
        WORKED = "worked", "Worked"
        GAPS = "gaps", "Worked with gaps"
        FAILED = "failed", "Failed"

    append_only = True

    plan = TenantForeignKey(IncidentPlan, related_name="drills", db_index=False)
    held_on = models.DateField()
    scenario = models.CharField(max_length=300)
    outcome = models.CharField(max_length=6, choices=Outcome.choices)
    findings = models.TextField(blank=True)
    minutes_to_assemble = models.PositiveIntegerField(null=True, blank=True)
    recorded_by = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-held_on", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=["worked", "gaps", "failed"]), name="incident_drill_outcome_known"
            )
        ]
        indexes = [models.Index(fields=["organization", "plan", "-held_on"], name="incident_drill_by_day")]

    def __str__(self) -> str:
        return f"{self.scenario} ({self.held_on})"

    def scope_path(self) -> list[ScopeKey]:
        return self.plan.scope_path()
