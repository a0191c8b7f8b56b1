"""Scoring models besides WSJF: their versions, what people score under them, and scores frozen at commitment."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel


class ScoringMethod(models.TextChoices):
    """How the weighted criteria become one number."""

    SUM = "sum", "Weighted average"
    RATIO = "ratio", "Benefit ÷ cost"


class ScoringModel(KeyedModel):
    """A way to score the features of a train. One of them may rank the backlog; otherwise WSJF does."""

    key_prefix = "SCM"

    train = TenantForeignKey("trains.Train", related_name="scoring_models")
    name = models.CharField(max_length=80)
    purpose = models.TextField(blank=True)
    version = models.PositiveSmallIntegerField("current version", default=1)
    ranks_backlog = models.BooleanField("ranks the backlog", default=False)
    retired_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        abstract = False
        ordering = ["name"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.UniqueConstraint(fields=["train", "name"], name="scoring_model_name_once"),
            models.UniqueConstraint(
                fields=["train"], condition=Q(ranks_backlog=True), name="scoring_model_ranks_alone"
            ),
            models.CheckConstraint(
                condition=Q(ranks_backlog=False) | Q(retired_at__isnull=True),
                name="scoring_model_retired_ranks_nothing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.name}"

    @property
    def title(self) -> str:
        """What links say beside the key."""
        return self.name


class ScoringModelVersion(TenantModel):
    """The criteria and weights of a model from a moment on; a score names the version it was made with."""

    append_only = True

    model = TenantForeignKey("planning.ScoringModel", related_name="versions")
    number = models.PositiveSmallIntegerField()
    method = models.CharField(max_length=8, choices=ScoringMethod.choices, default=ScoringMethod.SUM)
    criteria = models.JSONField()
    reason = models.CharField(max_length=300, blank=True)
    published_at = models.DateTimeField()
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["model", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["model", "number"], name="scoring_model_version_once"),
            models.CheckConstraint(
                condition=Q(method__in=ScoringMethod.values), name="scoring_model_method_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model.key} version {self.number}"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.model.train_id))]


class ModelScore(TenantModel):
    """How one person scores a feature under a model, with the version that was current then."""

    feature = TenantForeignKey("planning.Feature", related_name="model_scores")
    model = TenantForeignKey("planning.ScoringModel", related_name="scores")
    version = TenantForeignKey("planning.ScoringModelVersion", related_name="scores")
    scorer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    values = models.JSONField()
    scored_at = models.DateTimeField()
    history = tracked()

    class Meta:
        ordering = ["scored_at"]
        constraints = [
            models.UniqueConstraint(fields=["feature", "model", "scorer"], name="model_score_once")
        ]

    def __str__(self) -> str:
        return f"{self.scorer} on {self.feature}"

    def scope_path(self) -> list[ScopeKey]:
        return [("feature", str(self.feature_id)), ("train", str(self.feature.train_id))]


class ModelRating(TenantModel):
    """The agreed score of a feature under a model: its values, the number, and the version that made it."""

    feature = TenantForeignKey("planning.Feature", related_name="ratings")
    model = TenantForeignKey("planning.ScoringModel", related_name="ratings")
    version = TenantForeignKey("planning.ScoringModelVersion", related_name="ratings")
    values = models.JSONField()
    score = models.DecimalField(max_digits=10, decimal_places=4)
    agreed_at = models.DateTimeField()
    agreed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    history = tracked()

    class Meta:
        ordering = ["-score"]
        constraints = [models.UniqueConstraint(fields=["feature", "model"], name="model_rating_once")]
        indexes = [models.Index(fields=["organization", "model", "score"], name="model_rating_ranking")]

    def __str__(self) -> str:
        return f"{self.feature}: {self.score:.2f}"

    def scope_path(self) -> list[ScopeKey]:
        return [("feature", str(self.feature_id)), ("train", str(self.feature.train_id))]


class FrozenScore(TenantModel):
    """The score a feature had when the plan with it was committed."""

    append_only = True

    feature = TenantForeignKey("planning.Feature", related_name="frozen_scores")
    pi = TenantForeignKey(
        "trains.ProgramIncrement", related_name="frozen_scores", verbose_name="Program Increment"
    )
    version = TenantForeignKey(
        "planning.ScoringModelVersion", null=True, related_name="+", verbose_name="scoring model version"
    )
    values = models.JSONField()
    wsjf = models.DecimalField("WSJF", max_digits=6, decimal_places=2, null=True)
    rank_score = models.DecimalField("score of the ranking", max_digits=10, decimal_places=4, null=True)
    frozen_at = models.DateTimeField()

    class Meta:
        ordering = ["-frozen_at"]

    def __str__(self) -> str:
        return f"Score of {self.feature} in {self.pi}"

    def scope_path(self) -> list[ScopeKey]:
        return [("feature", str(self.feature_id)), ("train", str(self.feature.train_id))]
