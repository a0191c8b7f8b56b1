"""Waivers: a failing check let through for a while, asked by one person and granted by another."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey

from .gates import Gate, gate_scopes


class Waiver(KeyedModel):
    """An exception from one check of one gate, for one release or artifact, until it expires."""

    key_prefix = "WVR"

    class State(models.TextChoices):
        REQUESTED = "requested", "Requested"
        GRANTED = "granted", "Granted"
        REFUSED = "refused", "Refused"
        REVOKED = "revoked", "Revoked"

    gate = TenantForeignKey(Gate, related_name="waivers")
    check_name = models.CharField("check", max_length=80)
    release = TenantForeignKey("trains.Release", related_name="waivers", null=True, blank=True)
    artifact = TenantForeignKey("trains.Artifact", related_name="waivers", null=True, blank=True)
    builds = models.CharField(
        max_length=71, editable=False, help_text="Digest over the builds that were to be let through."
    )
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="decided by",
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.REQUESTED)
    reason = models.TextField(help_text="Why the check cannot pass now.")
    risk = models.TextField(help_text="What may go wrong if it is let through.")
    mitigation = models.TextField(help_text="What is done against that meanwhile.")
    decision = models.TextField(blank=True, help_text="What whoever decided said.")
    decided_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["-created_at"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(state__in=["requested", "granted", "refused", "revoked"]),
                name="waiver_state_known",
            ),
            models.CheckConstraint(
                condition=Q(granted_by__isnull=True) | ~Q(granted_by=F("requested_by")),
                name="waiver_not_by_requester",
            ),
            models.CheckConstraint(
                condition=~Q(state="granted") | Q(granted_by__isnull=False, decided_at__isnull=False),
                name="waiver_granted_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(release__isnull=False, artifact__isnull=True)
                | Q(release__isnull=True, artifact__isnull=False),
                name="waiver_one_subject",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "gate", "state", "expires_at"], name="waiver_of_gate")
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.check_name}"

    @property
    def title(self) -> str:
        return self.check_name

    @property
    def subject(self) -> Any:
        """The release or artifact it is for."""
        return self.release if self.release_id else self.artifact

    def scope_path(self) -> list[ScopeKey]:
        return gate_scopes(self.gate)
