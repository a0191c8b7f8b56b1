"""Freezes: windows in which nothing is deployed."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .service import Environment, Service
from .train import Train


class Freeze(TenantModel):
    """No deployments from `starts` up to, not including, `ends`; empty train, environment and service mean all."""

    train = TenantForeignKey(Train, related_name="freezes", null=True, blank=True)
    environment = TenantForeignKey(Environment, related_name="freezes", null=True, blank=True)
    service = TenantForeignKey(Service, related_name="freezes", null=True, blank=True)
    name = models.CharField(max_length=120)
    starts = models.DateTimeField()
    ends = models.DateTimeField()
    reason = models.TextField()
    cancelled_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["-starts", "name"]
        constraints = [
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="freeze_ends_after_start")
        ]
        indexes = [models.Index(fields=["organization", "starts", "ends"], name="freeze_window")]

    def __str__(self) -> str:
        return self.name
