"""How canaries are judged, and each judgement with the values that it was made from."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey

from .release import Release
from .service import Environment, Service, service_scopes
from .vocabulary import known


class CanaryVerdict(models.TextChoices):
    PASS = "pass", "Pass"
    MARGINAL = "marginal", "Marginal"
    FAIL = "fail", "Fail"
    INDETERMINATE = "indeterminate", "Indeterminate"


class CanaryConfig(KeyedModel):
    """Metrics, their weights and marks, by which a new version is compared with the running one."""

    key_prefix = "CAN"

    service = TenantForeignKey(Service, related_name="canary_configs", null=True, blank=True)
    name = models.CharField(max_length=120)
    metrics = models.JSONField(help_text="Each metric: name of the series, direction, weights and limits.")
    group_weights = models.JSONField(default=dict, blank=True)
    passes = models.FloatField("score that passes", default=95)
    marginal = models.FloatField("score below which it fails", default=75)
    retired_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["name"]
        verbose_name = "canary configuration"
        constraints = [
            *KeyedModel.Meta.constraints,
            models.UniqueConstraint(fields=["organization", "name"], name="canary_config_name_once"),
            models.CheckConstraint(
                condition=Q(marginal__gt=0) & Q(passes__gte=F("marginal")) & Q(passes__lte=100),
                name="canary_config_marks_in_order",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def scope_path(self) -> list[ScopeKey]:
        return service_scopes(self.service) if self.service else []


class CanaryAnalysis(KeyedModel):
    """A fact: what the judge said of a canary, by which configuration, over which values."""

    append_only = True
    key_prefix = "ANA"

    config = TenantForeignKey(CanaryConfig, related_name="analyses")
    service = TenantForeignKey(Service, related_name="canary_analyses")
    environment = TenantForeignKey(Environment, related_name="canary_analyses", null=True, blank=True)
    release = TenantForeignKey(Release, related_name="canary_analyses", null=True, blank=True)
    verdict = models.CharField(max_length=14, choices=CanaryVerdict.choices)
    score = models.FloatField()
    advice = models.CharField(max_length=10)
    reason = models.CharField(max_length=500)
    baseline = models.JSONField(help_text="Labels and period of what ran before.")
    canary = models.JSONField(help_text="Labels and period of what is new.")
    settings = models.JSONField(help_text="The configuration as it stood.")
    judgement = models.JSONField(help_text="Groups and metrics with their effects and intervals.")
    values = models.JSONField(help_text="What was compared, so that it can be judged again.")
    judged_at = models.DateTimeField(default=now)

    class Meta(KeyedModel.Meta):
        ordering = ["-judged_at", "-id"]
        verbose_name = "canary analysis"
        verbose_name_plural = "canary analyses"
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(condition=Q(score__gte=0, score__lte=100), name="canary_score_range"),
            known("verdict", "canary_verdict_known", CanaryVerdict),
        ]
        indexes = [
            models.Index(fields=["organization", "service", "-judged_at"], name="canary_analysis_of_service"),
            models.Index(fields=["organization", "-judged_at"], name="canary_analysis_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.get_verdict_display()}"

    def scope_path(self) -> list[ScopeKey]:
        return service_scopes(self.service)
