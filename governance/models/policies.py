"""How changes are assessed and who must approve them: published versions of the policy, and what it decided."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .changes import Board, ChangeRequest, known


class ApprovalPolicy(TenantModel):
    """One version: the risk questionnaire with its bands, and the ordered rules. The highest number is in force."""

    number = models.PositiveIntegerField()
    questions = models.JSONField()
    bands = models.JSONField()
    rules = models.JSONField(default=list, blank=True)
    seed = models.CharField(max_length=64, help_text="What samples are drawn with; anybody can draw again.")
    note = models.CharField(max_length=200)
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    append_only = True

    class Meta:
        ordering = ["-number"]
        verbose_name_plural = "approval policies"
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="approval_policy_number_once")
        ]

    def __str__(self) -> str:
        return f"Approval policy, version {self.number}"


class PolicyDecision(TenantModel):
    """What the policy decided about one revision of a change: which rule, on which facts, and whether a person looks again."""

    class Outcome(models.TextChoices):
        APPROVED = "approved", "Approved by policy"
        ROUTED = "routed", "Sent to a board"

    class Review(models.TextChoices):
        AGREED = "agreed", "A person agrees"
        OBJECTED = "objected", "A person would have decided otherwise"

    change = TenantForeignKey(ChangeRequest, related_name="policy_decisions")
    revision = models.PositiveIntegerField()
    content_digest = models.CharField(max_length=71)
    policy = TenantForeignKey(ApprovalPolicy, related_name="decisions", null=True, blank=True)
    model = TenantForeignKey("governance.ChangeModel", related_name="decisions", null=True, blank=True)
    evaluation = TenantForeignKey("governance.Evaluation", related_name="+", null=True, blank=True)
    board = TenantForeignKey(Board, related_name="+", null=True, blank=True)
    rule = models.CharField(max_length=120)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    reasons = models.JSONField(default=list)
    facts = models.JSONField(default=dict)
    sampled = models.BooleanField(default=False)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    reviewed_at = models.DateTimeField(null=True, blank=True)
    review = models.CharField(max_length=10, choices=Review.choices, blank=True)
    review_note = models.TextField(blank=True)
    history = tracked()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            known("outcome", "policy_decision_outcome_known", "approved routed"),
            models.CheckConstraint(
                condition=Q(review="", reviewed_by__isnull=True, reviewed_at__isnull=True)
                | Q(review__in=["agreed", "objected"], reviewed_by__isnull=False, reviewed_at__isnull=False),
                name="policy_decision_reviewed_whole",
            ),
            models.UniqueConstraint(
                fields=["organization", "change", "revision"],
                condition=Q(outcome="approved"),
                name="policy_approves_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "created_at"],
                condition=Q(sampled=True, review=""),
                name="policy_decision_to_review",
            )
        ]

    def __str__(self) -> str:
        return f"{self.change.key}: {self.get_outcome_display().lower()} ({self.rule})"[:200]

    def scope_path(self) -> list[ScopeKey]:
        return self.change.scope_path()
