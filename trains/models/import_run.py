"""Import runs: what was read from where, and what it changed."""

from __future__ import annotations

from django.db import models

from releasetrain.audit.history import tracked
from releasetrain.tenancy.models import TenantModel


class ImportRun(TenantModel):
    """One import of a file or a feed, with the digest of what was read and the counts of what came of it."""

    kind = models.CharField(max_length=40)
    source_name = models.CharField(max_length=200)
    digest = models.CharField(max_length=71)
    rows = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return f"{self.kind} from {self.source_name}"
