"""What pipelines and scanners saw of an environment: whole sets of facts, each kept as it was posted."""

from __future__ import annotations

from django.db import models

from releasetrain.kernel.actor import ScopeKey
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .service import Environment


class EnvironmentFacts(TenantModel):
    """A fact: all versions, sizes, flags and digests that one source saw in an environment at one moment."""

    append_only = True
    # Whether the row in hand was there already when the same was posted again.
    repeated = False

    environment = TenantForeignKey(Environment, related_name="fact_sets", db_index=False)
    source = models.CharField(max_length=80, help_text="The pipeline or scanner that looked.")
    observed_at = models.DateTimeField(default=now)
    facts = models.JSONField(help_text="Versions, sizes, flags and digests, each by name.")
    digest = models.CharField(max_length=71, editable=False)
    count = models.PositiveIntegerField("facts in it")

    class Meta:
        verbose_name = "fact set of an environment"
        verbose_name_plural = "fact sets of environments"
        ordering = ["-observed_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "environment", "source", "observed_at"], name="environment_facts_once"
            ),
            models.CheckConstraint(condition=models.Q(count__gte=1), name="environment_facts_say_something"),
        ]
        indexes = [models.Index(fields=["organization", "-observed_at"], name="environment_facts_recent")]

    def __str__(self) -> str:
        return f"{self.environment} as {self.source} saw it"

    def scope_path(self) -> list[ScopeKey]:
        train = self.environment.train_id
        return [("train", str(train))] if train else []
