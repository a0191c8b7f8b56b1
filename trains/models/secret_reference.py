"""Secrets by reference: where a stage's secret lies, who may use it there, and how long ago it was rotated. Never a value."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .pipeline import Stage
from .service import Service


class SecretReference(TenantModel):
    """A stage needs a secret: the path and key in Vault under which it lies."""

    stage = TenantForeignKey(Stage, related_name="secret_references")
    name = models.CharField(max_length=80, help_text="As the stage calls it, e.g. DATABASE_PASSWORD.")
    mount = models.CharField(max_length=120, default="secret")
    path = models.CharField(max_length=300)
    key = models.CharField(max_length=120)
    purpose = models.CharField(max_length=300, blank=True)
    users = models.JSONField(
        "who may use it", default=list, help_text="E-mail addresses of people and service accounts."
    )
    rotate_days = models.PositiveIntegerField("rotated at least every days", default=90)
    rotated_at = models.DateTimeField("last rotated", null=True, blank=True, editable=False)
    version = models.PositiveIntegerField("version in Vault", null=True, blank=True, editable=False)
    read_at = models.DateTimeField("Vault asked", null=True, blank=True, editable=False)
    fault = models.CharField("Vault says", max_length=300, blank=True, editable=False)
    retired_at = models.DateTimeField("retired", null=True, blank=True, editable=False)
    history = tracked()

    class Meta:
        ordering = ["stage__pipeline__service__name", "name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "stage", "name"],
                condition=Q(retired_at__isnull=True),
                name="secret_reference_name_once",
            ),
            models.CheckConstraint(
                condition=Q(rotate_days__gte=1), name="secret_reference_rotation_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.stage}"

    @property
    def place(self) -> str:
        """Where it lies, as people write it."""
        return f"{self.mount}/{self.path}#{self.key}"

    @property
    def service(self) -> Service:
        """Whose stage it is."""
        return self.stage.pipeline.service

    @property
    def rotation(self) -> str:
        """How long ago it was rotated, beside how often it has to be."""
        if self.rotated_at is None:
            return "not known"
        days = (now() - self.rotated_at).days
        late = f", {days - self.rotate_days} days late" if days > self.rotate_days else ""
        return f"{days} day{'' if days == 1 else 's'} ago{late}"

    def is_overdue(self, at: datetime) -> bool | None:
        """Whether it should have been rotated; None while Vault has not said when it was."""
        if self.rotated_at is None:
            return None
        return at - self.rotated_at > timedelta(days=self.rotate_days)

    def scope_path(self) -> list[ScopeKey]:
        return self.stage.scope_path()
