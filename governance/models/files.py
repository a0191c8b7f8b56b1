"""Stored files: evidence kept as received, named by the digest of its content."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models

from releasetrain.tenancy.models import TenantModel

DIGEST = r"^sha256:[0-9a-f]{64}$"


class StoredFile(TenantModel):
    """The record of a file; its bytes lie outside the web root under their digest (see `governance.files`)."""

    append_only = True

    digest = models.CharField(max_length=71, validators=[RegexValidator(DIGEST)])
    size = models.PositiveBigIntegerField()
    media_type = models.CharField(max_length=100, default="application/octet-stream")
    name = models.CharField(max_length=150)

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["organization", "digest"], name="stored_file_once")]

    def __str__(self) -> str:
        return self.name
