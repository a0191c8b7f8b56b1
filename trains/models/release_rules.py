"""What a release is held to: packaging limits, rollback criteria, readiness; and every change of its scope."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .platform import Comparison
from .release import Classification, Release, ScopeItem
from .service import TIERS
from .train import Train
from .vocabulary import known


class PackagingLimit(TenantModel):
    """How many items of a class a release may carry, by criticality of its systems and by its risk."""

    train = TenantForeignKey(
        Train, related_name="packaging_limits", null=True, blank=True, help_text="Empty: every train."
    )
    criticality = models.PositiveSmallIntegerField(
        "criticality of its systems",
        choices=TIERS,
        null=True,
        blank=True,
        help_text="Tier of the most critical service that the release carries. Empty: any.",
    )
    risk = models.PositiveSmallIntegerField(
        "risk tier of the release", choices=TIERS, null=True, blank=True, help_text="Empty: any."
    )
    classification = models.CharField("kind of item", max_length=16, choices=Classification.choices)
    at_most = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Empty: any number.")
    reason = models.TextField(blank=True)
    retired_at = models.DateTimeField("retired", null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["train__key", "classification", "criticality", "risk"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "train", "criticality", "risk", "classification"],
                condition=Q(retired_at__isnull=True),
                nulls_distinct=False,
                name="packaging_limit_once",
            ),
            known("classification", "packaging_limit_class_known", Classification),
        ]

    def __str__(self) -> str:
        number = "any number of" if self.at_most is None else f"at most {self.at_most}"
        where = f"{self.train} " if self.train else ""
        return f"{where}{number} {self.get_classification_display().lower()}s"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.train_id))] if self.train_id else []


class ScopeChange(TenantModel):
    """One change of a release's scope: what came or went, when, by whom and why."""

    class Act(models.TextChoices):
        ADDED = "added", "Added"
        REMOVED = "removed", "Removed"

    append_only = True

    release = TenantForeignKey(Release, related_name="scope_changes", db_index=False)
    item = TenantForeignKey(ScopeItem, related_name="changes")
    act = models.CharField(max_length=8, choices=Act.choices)
    at = models.DateTimeField()
    by = models.CharField(max_length=200)
    cause = models.TextField(blank=True)
    after_baseline = models.BooleanField(default=False)
    authority = models.CharField(
        max_length=40, blank=True, help_text="The emergency change that let it in after the freeze."
    )

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(act__in=["added", "removed"]), name="scope_change_act_known"),
            models.CheckConstraint(
                condition=Q(after_baseline=False) | ~Q(cause=""), name="scope_change_has_cause"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "release", "-at"], name="scope_change_of_release"),
            models.Index(fields=["organization", "at"], name="scope_change_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.item} {self.act}"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.release.train_id))]


class RollbackCriterion(TenantModel):
    """When to go back: an indicator and the value from which on the release, or one item of it, has failed."""

    release = TenantForeignKey(Release, related_name="rollback_criteria")
    item = TenantForeignKey(
        ScopeItem,
        related_name="rollback_criteria",
        null=True,
        blank=True,
        help_text="Empty: the whole release.",
    )
    indicator = models.CharField(max_length=120, help_text="What is watched, e.g. error rate of refunds.")
    success = models.CharField("success means", max_length=200, help_text="E.g. below 0.2 % for an hour.")
    comparison = models.CharField(
        "good is", max_length=8, choices=Comparison.choices, default=Comparison.AT_MOST
    )
    threshold = models.DecimalField("failure threshold", max_digits=14, decimal_places=4)
    unit = models.CharField(max_length=20, blank=True)
    window_minutes = models.PositiveIntegerField("watched for minutes", default=60)
    retired_at = models.DateTimeField("withdrawn", null=True, blank=True)
    history = tracked()

    class Meta:
        verbose_name_plural = "rollback criteria"
        ordering = ["release", "created_at", "id"]
        constraints = [
            known("comparison", "rollback_comparison_known", Comparison),
            models.CheckConstraint(condition=Q(window_minutes__gte=1), name="rollback_window"),
        ]

    def __str__(self) -> str:
        return f"{self.indicator}: {self.rule}"

    @property
    def rule(self) -> str:
        """When to go back, in words."""
        side = "above" if self.comparison == Comparison.AT_MOST else "below"
        limit = f"{self.threshold.normalize():f} {self.unit}".strip()
        return f"go back when {side} {limit} within {self.window_minutes} minutes"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.release.train_id))]


class ReadinessAnswer(TenantModel):
    """One question of a release's readiness assessment, and how it stands."""

    class Topic(models.TextChoices):
        COVERAGE = "coverage", "Test coverage"
        ROLLBACK = "rollback", "Rollback procedure"
        ENVIRONMENT = "environment", "Environment availability"
        RUNBOOK = "runbook", "Runbook"
        RECOVERY = "recovery", "Disaster recovery"
        ATO = "ato", "Authority to operate"
        WALKTHROUGH = "walkthrough", "Walkthroughs"
        OTHER = "other", "Other"

    class Answer(models.TextChoices):
        OPEN = "open", "Open"
        YES = "yes", "Yes"
        PARTIAL = "partial", "Partly"
        NO = "no", "No"
        NOT_APPLICABLE = "not_applicable", "Not applicable"

    release = TenantForeignKey(Release, related_name="readiness")
    topic = models.CharField(max_length=12, choices=Topic.choices, default=Topic.OTHER)
    question = models.CharField(max_length=300)
    weight = models.PositiveSmallIntegerField(default=1)
    mandatory = models.BooleanField(default=False)
    answer = models.CharField(max_length=14, choices=Answer.choices, default=Answer.OPEN)
    evidence = models.TextField(blank=True, help_text="Link or words that show it.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    due_on = models.DateField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True, editable=False)
    history = tracked()

    class Meta:
        ordering = ["release", "-weight", "created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "release", "question"], name="readiness_question_once"
            ),
            models.CheckConstraint(
                condition=Q(answer__in=["open", "yes", "partial", "no", "not_applicable"]),
                name="readiness_answer_known",
            ),
            models.CheckConstraint(
                condition=~Q(answer__in=["yes", "partial"]) | ~Q(evidence=""), name="readiness_has_evidence"
            ),
            models.CheckConstraint(condition=Q(weight__gte=1, weight__lte=10), name="readiness_weight"),
        ]
        indexes = [models.Index(fields=["organization", "answer", "due_on"], name="readiness_by_due")]

    def __str__(self) -> str:
        return self.question

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.release.train_id))]
