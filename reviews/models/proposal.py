"""Proposals that carry a finding into the life cycle: what is to change, whose it is, and what became of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from problems.models.vocabulary import known
from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey

from .review import Review, ReviewCause


class ImprovementKind(models.TextChoices):
    """What a proposal changes."""

    GATE = "gate", "Gate or its threshold"
    CHECKLIST = "checklist", "Readiness checklist"
    ROLLBACK = "rollback", "Rollback threshold"
    RUNBOOK = "runbook", "Runbook"
    TEST_SCOPE = "test_scope", "Test scope"
    STAGING_TEST = "staging_test", "Staging test case from a ticket"
    CAB_CRITERION = "cab_criterion", "CAB risk criterion"
    CANARY = "canary", "Canary metric or threshold"
    ONBOARDING = "onboarding", "Onboarding note"
    DEBT = "debt", "Debt item"
    SLO = "slo", "Service level objective"
    ARCHITECTURE = "architecture", "Question to the architecture board"


class ImprovementProposal(KeyedModel):
    """A change that an accepted finding asks for. Its owner applies it through the verb of the app that owns it."""

    key_prefix = "LRN"
    Kind = ImprovementKind

    class State(models.TextChoices):
        OPEN = "open", "Waits for its owner"
        APPLIED = "applied", "Applied"
        DECLINED = "declined", "Declined"
        WITHDRAWN = "withdrawn", "Withdrawn"

    review = TenantForeignKey(Review, related_name="improvements")
    cause = TenantForeignKey(
        ReviewCause, related_name="improvements", null=True, blank=True, verbose_name="finding"
    )
    kind = models.CharField(max_length=14, choices=Kind.choices)
    title = models.CharField(max_length=200)
    reason = models.TextField("why")
    target_kind = models.CharField(max_length=40, help_text="The kind of record that changes.")
    target_id = models.UUIDField()
    target_label = models.CharField("what changes", max_length=200)
    change = models.JSONField(default=dict, help_text="What is asked for, in the words of its kind.")
    lines = models.JSONField(
        "before and after", default=list, help_text="What changes: as it was when proposed, then as applied."
    )
    permission = models.CharField(max_length=40, help_text="What whoever applies it must be allowed to do.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    due_on = models.DateField("due")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    decision = models.TextField(blank=True, help_text="Why it was applied, declined or withdrawn.")
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    result_kind = models.CharField(max_length=40, blank=True, help_text="What the applied change made.")
    result_id = models.CharField(max_length=40, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["due_on", "id"]
        verbose_name = "improvement proposal"
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(kind__in=ImprovementKind.values), name="improvement_kind_known"
            ),
            known("state", "improvement_state_known", "open applied declined withdrawn"),
            models.CheckConstraint(
                condition=Q(state="open", decided_at__isnull=True)
                | (~Q(state="open") & Q(decided_at__isnull=False)),
                name="improvement_decided_at_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["declined", "withdrawn"]) | ~Q(decision=""),
                name="improvement_declined_with_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "state", "due_on"], name="improvement_by_due"),
            models.Index(fields=["organization", "target_id"], name="improvement_of_target"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.title}"[:200]

    def scope_path(self) -> list[ScopeKey]:
        return self.review.scope_path()
