"""Vault, as far as it is asked: where it is, and the token that may read metadata."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.tenancy.models import TenantModel


class VaultServer(TenantModel):
    """The Vault of an organization. Only metadata is read, unless it is permitted to give values for requests to servers."""

    name = models.CharField(max_length=80, default="Vault")
    url = models.CharField("address", max_length=300)
    namespace = models.CharField(max_length=120, blank=True)
    sealed_token = models.TextField(editable=False)
    enabled = models.BooleanField(default=True)
    gives_values = models.BooleanField(
        default=False,
        editable=False,
        help_text="Secrets that sources of series refer to are read for each request, and kept nowhere.",
    )
    asked_at = models.DateTimeField("last asked", null=True, blank=True, editable=False)
    last_error = models.CharField(max_length=300, blank=True, editable=False)
    history = tracked(excluded_fields=["sealed_token", "asked_at"])

    never_logged = ("sealed_token",)

    class Meta:
        ordering = ["name"]
        constraints = [
            # One that answers: a path must not mean two places.
            models.UniqueConstraint(
                fields=["organization"], condition=Q(enabled=True), name="vault_server_one_enabled"
            ),
        ]

    def __str__(self) -> str:
        return self.name
