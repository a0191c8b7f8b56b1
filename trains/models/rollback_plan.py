"""Rollback plans over several services: in which order, validated how, what becomes of data, and how it went."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey

from .release import Release
from .service import Environment


class RollbackPlan(KeyedModel):
    """How a release is taken back in one environment. Each step is carried out as a deployment of its own."""

    key_prefix = "RBP"

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        AUTHORISED = "authorised", "Authorised"
        RUNNING = "running", "Running"
        RESTORED = "restored", "Restored"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    release = TenantForeignKey(Release, related_name="rollback_plans")
    environment = TenantForeignKey(Environment, related_name="rollback_plans")
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    steps = models.JSONField(
        default=list,
        editable=False,
        help_text="Service, place, validations before and after, data implications.",
    )
    triggers = models.JSONField(
        default=list, editable=False, help_text="Measured so, an authorised plan is carried out by itself."
    )
    restore_minutes = models.PositiveIntegerField(
        "back within minutes", default=60, help_text="From the order to the last service restored."
    )
    fallback = models.TextField(blank=True, help_text="What is done when the plan does not restore it.")
    authorised_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    authorised_at = models.DateTimeField(null=True, blank=True, editable=False)
    ordered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty: a threshold, as it was authorised.",
    )
    ordered_at = models.DateTimeField(null=True, blank=True, editable=False)
    ordered_on = models.CharField(
        "ordered on",
        max_length=300,
        blank=True,
        editable=False,
        help_text="What was measured, or the reason.",
    )
    restored_at = models.DateTimeField(null=True, blank=True, editable=False)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["-created_at"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(state__in=["draft", "authorised", "running", "restored", "failed", "cancelled"]),
                name="rollback_plan_state_known",
            ),
            models.UniqueConstraint(
                fields=["organization", "release", "environment"],
                condition=Q(state__in=["draft", "authorised", "running"]),
                name="rollback_plan_one_in_force",
            ),
            models.CheckConstraint(
                condition=~Q(state="authorised")
                | Q(authorised_by__isnull=False, authorised_at__isnull=False),
                name="rollback_plan_authorised_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(restored_at__isnull=True)
                | Q(ordered_at__isnull=False, restored_at__gte=F("ordered_at")),
                name="rollback_plan_restored_after_order",
            ),
            models.CheckConstraint(
                condition=~Q(state="restored") | Q(restored_at__isnull=False),
                name="rollback_plan_restored_when",
            ),
            models.CheckConstraint(condition=Q(restore_minutes__gte=1), name="rollback_plan_time_positive"),
        ]
        indexes = [models.Index(fields=["organization", "state"], name="rollback_plan_by_state")]

    def __str__(self) -> str:
        return f"{self.key} {self.title}"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.release.train_id))]

    @property
    def took(self) -> timedelta | None:
        """From the order to the last service restored; None while that is open."""
        return self.restored_at - self.ordered_at if self.restored_at and self.ordered_at else None

    @property
    def time_to_restore(self) -> str:
        """The time it took, in minutes, beside the time it had."""
        took = self.took
        if took is None:
            return "not yet" if self.ordered_at else "not ordered"
        return f"{took.total_seconds() / 60:.0f} min of {self.restore_minutes} min"

    @property
    def in_time(self) -> bool | None:
        took = self.took
        return None if took is None else took <= timedelta(minutes=self.restore_minutes)
