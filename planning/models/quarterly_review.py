"""Quarterly reviews with executives: the picture before, proposals and decisions, the picture after."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel


class QuarterlyReviewState(models.TextChoices):
    """Where a quarterly review stands."""

    PREPARED = "prepared", "Prepared"
    RUNNING = "running", "Running"
    CLOSED = "closed", "Closed"


class QuarterlyReview(KeyedModel):
    """One session about a train's quarter. Its pictures are taken when it opens and when it closes."""

    key_prefix = "QR"

    train = TenantForeignKey("trains.Train", related_name="quarterly_reviews")
    quarter = models.CharField(max_length=7)
    held_on = models.DateField()
    agenda = models.TextField(blank=True)
    state = models.CharField(
        max_length=10, choices=QuarterlyReviewState.choices, default=QuarterlyReviewState.PREPARED
    )
    before = models.JSONField("snapshot before", null=True, blank=True)
    before_at = models.DateTimeField("snapshot before taken at", null=True, blank=True)
    after = models.JSONField("snapshot after", null=True, blank=True)
    after_at = models.DateTimeField("snapshot after taken at", null=True, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        abstract = False
        ordering = ["-held_on"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(state__in=QuarterlyReviewState.values), name="quarterly_review_state_known"
            ),
            models.CheckConstraint(
                condition=Q(quarter__regex=r"^20[0-9]{2}-Q[1-4]$"), name="quarterly_review_quarter"
            ),
            models.CheckConstraint(
                condition=Q(state="prepared") | Q(before__isnull=False), name="quarterly_review_has_before"
            ),
            models.CheckConstraint(
                condition=~Q(state="closed") | Q(after__isnull=False), name="quarterly_review_has_after"
            ),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def title(self) -> str:
        """What links say beside the key."""
        return f"{self.train.name} {self.quarter}"


class QuarterlyReviewer(TenantModel):
    """Somebody who takes part in a quarterly review."""

    review = TenantForeignKey("planning.QuarterlyReview", related_name="reviewers")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    history = tracked()

    class Meta:
        ordering = ["created_at"]
        constraints = [models.UniqueConstraint(fields=["review", "person"], name="quarterly_reviewer_once")]

    def __str__(self) -> str:
        return str(self.person)


class ProposalState(models.TextChoices):
    """What was decided about a proposal."""

    OPEN = "open", "Open"
    ACCEPTED = "accepted", "Accepted"
    DECLINED = "declined", "Declined"
    POSTPONED = "postponed", "Postponed"


class ReviewProposal(TenantModel):
    """A change proposed in a quarterly review, and the decision about it."""

    review = TenantForeignKey("planning.QuarterlyReview", related_name="proposals")
    title = models.CharField(max_length=200)
    text = models.TextField("why", blank=True)
    feature = TenantForeignKey("planning.Feature", null=True, blank=True, related_name="review_proposals")
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    state = models.CharField(max_length=10, choices=ProposalState.choices, default=ProposalState.OPEN)
    rationale = models.TextField(blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=ProposalState.values), name="review_proposal_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="open")
                | (~Q(rationale="") & Q(decided_by__isnull=False) & Q(decided_at__isnull=False)),
                name="review_proposal_decided_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.review.train_id))]
