"""Who may order a rollback of which services, how quickly it has to be back, and what became of each order."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .changes import known


class RollbackRule(TenantModel):
    """Rollback authorisation of one service, or of every service of a tier that has none of its own."""

    service = TenantForeignKey("trains.Service", related_name="rollback_rules", null=True, blank=True)
    tier = models.PositiveSmallIntegerField(null=True, blank=True)
    roles = ArrayField(
        models.CharField(max_length=30), help_text="Whoever holds one of these roles there orders it."
    )
    restore_minutes = models.PositiveIntegerField(help_text="From the order to the restored service.")
    fallback = models.TextField(
        help_text="What is done when a rollback does not restore it: continuity plan."
    )
    fallback_roles = ArrayField(
        models.CharField(max_length=30),
        default=list,
        blank=True,
        help_text="Who orders it when none of the others can be reached; a review follows.",
    )
    thresholds = models.JSONField(
        default=list, help_text="Measured so, anybody who reports deployments may order it."
    )
    controls = ArrayField(
        models.CharField(max_length=120), default=list, blank=True, help_text="Resilience controls it serves."
    )
    retired_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        verbose_name = "rollback authorisation"
        ordering = ["tier", "service__name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(service__isnull=True, tier__gte=1, tier__lte=4)
                | Q(service__isnull=False, tier__isnull=True),
                name="rollback_rule_of_service_or_tier",
            ),
            models.CheckConstraint(condition=Q(restore_minutes__gte=1), name="rollback_rule_time_positive"),
            models.UniqueConstraint(
                fields=["organization", "service"],
                condition=Q(retired_at__isnull=True, service__isnull=False),
                name="rollback_rule_once_per_service",
            ),
            models.UniqueConstraint(
                fields=["organization", "tier"],
                condition=Q(retired_at__isnull=True, tier__isnull=False),
                name="rollback_rule_once_per_tier",
            ),
        ]

    def __str__(self) -> str:
        return f"Rollback of {self.service if self.service_id else f'tier {self.tier} services'}"


class RollbackOrder(TenantModel):
    """An order to roll back: by what right it was given, and how quickly the service had to be back."""

    append_only = True

    class Basis(models.TextChoices):
        ROLE = "role", "By role"
        THRESHOLD = "threshold", "Pre-authorised threshold"
        FALLBACK = "fallback", "Fallback"
        PERMISSION = "permission", "No authorisation on record: by permission only"

    rollback = TenantForeignKey("trains.Deployment", related_name="rollback_orders")
    rule = TenantForeignKey(RollbackRule, related_name="orders", null=True, blank=True)
    basis = models.CharField(max_length=12, choices=Basis.choices)
    measured = models.CharField(max_length=200, blank=True)
    ordered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    ordered_at = models.DateTimeField()
    reason = models.TextField(blank=True)
    restore_minutes = models.PositiveIntegerField(
        null=True, blank=True, help_text="As the authorisation said when it was ordered."
    )

    class Meta:
        ordering = ["-ordered_at"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "rollback"], name="rollback_ordered_once"),
            known("basis", "rollback_basis_known", "role threshold fallback permission"),
            models.CheckConstraint(
                condition=Q(basis="permission") | Q(rule__isnull=False), name="rollback_order_by_a_rule"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rollback}"[:200]

    def scope_path(self) -> list[ScopeKey]:
        return self.rollback.scope_path()

    @property
    def took(self) -> timedelta | None:
        """From the order to the restored service; None while it runs or if it did not restore it."""
        done = self.rollback.finished_at
        restored = self.rollback.outcome == self.rollback.State.SUCCEEDED
        return done - self.ordered_at if done and restored else None

    @property
    def restored_in(self) -> str:
        """The time it took, in minutes."""
        took = self.took
        return f"{took.total_seconds() / 60:.0f} min" if took is not None else "not yet"

    @property
    def in_time(self) -> bool | None:
        """Whether it was back in time; None while that is open or no time was set."""
        if self.restore_minutes is None or self.took is None:
            return None
        return self.took <= timedelta(minutes=self.restore_minutes)
