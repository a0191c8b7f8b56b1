"""How an environment is entered: its rules, and the queue of those who wait for their turn."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel


class EnvironmentRule(TenantModel):
    """What is asked of every deployment into an environment: tags, how many at once, and each precondition's weight."""

    class Tag(models.TextChoices):
        STAGED = "staged", "Staged path: high-risk fixes only as builds that ran on every stage before"
        REGULATED = "regulated", "Regulated: every release, whatever its risk, takes the staged path"

    environment = TenantForeignKey("trains.Environment", related_name="rules")
    tags = ArrayField(models.CharField(max_length=20, choices=Tag.choices), default=list, blank=True)
    at_once = models.PositiveSmallIntegerField(
        "deployments at once",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(200)],
        help_text="Empty: any number.",
    )
    preconditions = models.JSONField(
        default=dict, blank=True, help_text="Precondition → refuse, flag or off, where it is not the usual."
    )
    history = tracked()

    class Meta:
        ordering = ["environment__rank", "environment__name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "environment"], name="environment_rule_once"),
            models.CheckConstraint(
                condition=Q(at_once__isnull=True) | Q(at_once__gte=1, at_once__lte=200),
                name="environment_rule_at_once",
            ),
        ]

    def __str__(self) -> str:
        return f"Rules of {self.environment}"


class DeploymentTurn(KeyedModel):
    """Somebody's place in the queue before an environment; business impact goes first, then who asked first."""

    key_prefix = "TURN"

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        TAKEN = "taken", "Taken"
        LEFT = "left", "Left"

    environment = TenantForeignKey("trains.Environment", related_name="turns", db_index=False)
    service = TenantForeignKey("trains.Service", related_name="turns")
    release = TenantForeignKey("trains.Release", related_name="turns", null=True, blank=True)
    impact = models.PositiveSmallIntegerField(
        "business impact",
        validators=[MinValueValidator(1), MaxValueValidator(4)],
        help_text="1 goes first; the tier of the release or service unless said otherwise.",
    )
    reason = models.TextField(blank=True, help_text="Why it goes before others, where the impact was raised.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    requested_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text="Whoever has not started by then has lost the place.")
    deployment = TenantForeignKey("trains.Deployment", related_name="turns", null=True, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["environment", "impact", "requested_at", "key"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "taken", "left"]), name="turn_state_known"
            ),
            models.CheckConstraint(condition=Q(impact__gte=1, impact__lte=4), name="turn_impact_known"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("requested_at")), name="turn_expires_later"),
            models.UniqueConstraint(
                fields=["organization", "environment", "service", "release"],
                condition=Q(state="waiting"),
                nulls_distinct=False,
                name="turn_waits_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "environment", "impact", "requested_at"],
                condition=Q(state="waiting"),
                name="turn_in_order",
            )
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.service} to {self.environment}"

    def scope_path(self) -> list[ScopeKey]:
        path: list[ScopeKey] = [("service", str(self.service_id))]
        if self.service.train_id:
            path.append(("train", str(self.service.train_id)))
        return path
