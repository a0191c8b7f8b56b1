"""Access reviews: a campaign over the roles that people and service accounts hold, and one decision for each."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from releasetrain.accounts.models import Grant
from releasetrain.audit.history import tracked
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel


class AccessReview(KeyedModel):
    """A campaign: every grant in it is kept or revoked by somebody other than its holder, until a day."""

    key_prefix = "ACR"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"
        CANCELLED = "cancelled", "Cancelled"

    class Lapse(models.TextChoices):
        REVOKE = "revoke", "is revoked"
        FLAG = "flag", "is flagged and stays"

    title = models.CharField(max_length=120)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    due_at = models.DateTimeField("due")
    lapse = models.CharField(
        "what nobody reviewed", max_length=10, choices=Lapse.choices, default=Lapse.REVOKE
    )
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["-created_at"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(state__in=["open", "closed", "cancelled"]), name="access_review_state_known"
            ),
            models.CheckConstraint(
                condition=Q(lapse__in=["revoke", "flag"]), name="access_review_lapse_known"
            ),
            models.CheckConstraint(
                condition=Q(due_at__gt=F("created_at")), name="access_review_due_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.title}"

    @property
    def overdue(self) -> bool:
        return self.state == self.State.OPEN and self.due_at <= now()


class AccessReviewItem(TenantModel):
    """One grant in a campaign, with its reviewer, what was known of it, and what was decided."""

    class Decision(models.TextChoices):
        OPEN = "open", "Open"
        KEEP = "keep", "Kept"
        REVOKE = "revoke", "Revoked"
        LAPSED = "lapsed", "Revoked, not reviewed"
        FLAGGED = "flagged", "Stays, not reviewed"
        GONE = "gone", "Ended meanwhile"

    review = TenantForeignKey(AccessReview, related_name="items")
    grant = TenantForeignKey(Grant, related_name="review_items")
    holder = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="access_to_review")
    last_used_at = models.DateTimeField("last used", null=True, blank=True)
    granted_by = models.UUIDField(null=True, blank=True)
    decision = models.CharField(max_length=10, choices=Decision.choices, default=Decision.OPEN)
    reason = models.CharField(max_length=500, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["decision", "created_at", "id"]
        verbose_name = "reviewed grant"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "review", "grant"], name="access_review_item_once"
            ),
            models.CheckConstraint(
                condition=Q(decision__in=["open", "keep", "revoke", "lapsed", "flagged", "gone"]),
                name="access_review_decision_known",
            ),
            # Nobody certifies what they hold themselves, whatever the code says.
            models.CheckConstraint(
                condition=~Q(reviewer=F("holder")), name="access_review_reviewer_is_another"
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("holder")),
                name="access_review_decider_is_another",
            ),
            models.CheckConstraint(
                condition=~Q(decision__in=["keep", "revoke"])
                | (Q(decided_by__isnull=False, decided_at__isnull=False) & ~Q(reason="")),
                name="access_review_decision_has_reason",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "reviewer"],
                condition=Q(decision="open"),
                name="access_review_waiting",
            ),
        ]

    def __str__(self) -> str:
        return str(self.grant)
