"""Change requests to a committed plan: why, what comes, what leaves to make room, and what was decided."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel


class PlanChange(KeyedModel):
    """One request to change a committed plan. `capacity` holds each touched cell before and after."""

    class Cause(models.TextChoices):
        INCIDENT = "incident", "Incident"
        COMPLIANCE = "compliance", "Compliance finding"
        VULNERABILITY = "vulnerability", "Vulnerability"
        STRATEGY = "strategy", "Strategy"

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        SUBMITTED = "submitted", "Submitted"
        ACCEPTED = "accepted", "Accepted"
        REJECTED = "rejected", "Rejected"
        WITHDRAWN = "withdrawn", "Withdrawn"

    key_prefix = "PCR"

    pi = TenantForeignKey(
        "trains.ProgramIncrement", related_name="plan_changes", verbose_name="Program Increment"
    )
    title = models.CharField(max_length=200)
    cause = models.CharField(max_length=14, choices=Cause.choices)
    cause_label = models.CharField("cause in words", max_length=200, help_text="For example INC-7.")
    justification = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    submitted_at = models.DateTimeField(null=True, blank=True)
    capacity = models.JSONField("capacity before and after", default=list)
    overload_reason = models.CharField("why the overload is accepted", max_length=300, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision = models.TextField(blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        abstract = False
        verbose_name = "plan change request"
        ordering = ["-created_at"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(cause__in=["incident", "compliance", "vulnerability", "strategy"]),
                name="plan_change_cause_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "submitted", "accepted", "rejected", "withdrawn"]),
                name="plan_change_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["accepted", "rejected"]) | Q(decided_at__isnull=False),
                name="plan_change_decided_when",
            ),
        ]
        indexes = [models.Index(fields=["organization", "pi", "state"], name="plan_change_of_pi")]

    def scope_path(self) -> list[ScopeKey]:
        return [("planchange", str(self.pk)), ("train", str(self.pi.train_id))]


class PlanChangeItem(TenantModel):
    """One feature that comes into the plan, leaves it, or moves."""

    class Act(models.TextChoices):
        ADD = "add", "Comes in"
        REMOVE = "remove", "Leaves"
        MOVE = "move", "Moves"

    change = TenantForeignKey(PlanChange, related_name="items")
    feature = TenantForeignKey("planning.Feature", related_name="plan_change_items")
    act = models.CharField(max_length=8, choices=Act.choices)
    team = TenantForeignKey("trains.Team", related_name="+", null=True, blank=True)
    iteration = TenantForeignKey("trains.Iteration", related_name="+", null=True, blank=True)
    from_label = models.CharField("from", max_length=200, blank=True)
    history = tracked()

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(fields=["change", "feature"], name="plan_change_item_once"),
            models.CheckConstraint(
                condition=Q(act__in=["add", "remove", "move"]), name="plan_change_item_act_known"
            ),
            models.CheckConstraint(
                condition=Q(act="remove", iteration__isnull=True)
                | (~Q(act="remove") & Q(iteration__isnull=False, team__isnull=False)),
                name="plan_change_item_has_its_place",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.feature} {self.get_act_display().lower()}"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.change.pi.train_id))]
