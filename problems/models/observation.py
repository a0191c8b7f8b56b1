"""Observation windows: the time after a fix went live in which the problem must not come back."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .incident import Incident
from .problem import Problem
from .vocabulary import known


class ObservationWindow(TenantModel):
    """[starts, ends) after a fix went live: incidents of its kind breach it, quiet without use does not pass it."""

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        PASSED = "passed", "Passed"
        BREACHED = "breached", "Breached"
        VOID = "void", "Void: the fix was rolled back"

    problem = TenantForeignKey(Problem, related_name="windows")
    deployment = TenantForeignKey("trains.Deployment", related_name="observation_windows")
    starts = models.DateTimeField()
    ends = models.DateTimeField()
    fingerprint = models.CharField(
        max_length=120, blank=True, help_text="Which incidents count; empty: every incident of the service."
    )
    threshold = models.PositiveSmallIntegerField(default=1, help_text="So many matching incidents breach it.")
    min_exposure = models.PositiveIntegerField(
        "least exposure",
        default=0,
        help_text="How often what failed must have been exercised, e.g. payment runs.",
    )
    exposure = models.PositiveIntegerField(default=0)
    exposure_unit = models.CharField(max_length=40, blank=True, default="runs")
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    breached_by = TenantForeignKey(Incident, related_name="breaches", null=True, blank=True)
    breach = models.CharField(
        "breached by what", max_length=200, blank=True, help_text="The signal that says it is back."
    )
    settled_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["-starts", "-id"]
        constraints = [
            known("state", "observation_state_known", "running passed breached void"),
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="observation_ends_after_start"),
            models.CheckConstraint(condition=Q(threshold__gte=1), name="observation_threshold_positive"),
            models.CheckConstraint(
                condition=~Q(state="passed") | Q(exposure__gte=F("min_exposure")),
                name="observation_passed_exposed",
            ),
            models.UniqueConstraint(
                fields=["organization", "problem"],
                condition=Q(state="running"),
                name="observation_one_running",
            ),
        ]
        indexes = [models.Index(fields=["organization", "state", "ends"], name="observation_running")]

    def __str__(self) -> str:
        return f"{self.problem.key} observed {self.starts:%Y-%m-%d} to {self.ends:%Y-%m-%d}"

    def scope_path(self) -> list[ScopeKey]:
        return self.problem.scope_path()
