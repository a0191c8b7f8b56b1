"""Access reviews: what waits for whom, and when the next one is due."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet

from releasetrain.access.models import AccessReview, AccessReviewItem
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import require_scope

State, Decision = AccessReview.State, AccessReviewItem.Decision
_READERS = ("members.manage", "audit.read")


def reads_all(actor: Actor) -> bool:
    return any(actor.may(permission) for permission in _READERS)


def visible_reviews(actor: Actor) -> QuerySet:
    """All of them for owners and auditors, else those with something of one's own to review."""
    rows = AccessReview.objects.all()
    return rows if reads_all(actor) else rows.filter(items__reviewer=actor.user_id).distinct()


def visible_items(actor: Actor) -> QuerySet:
    rows = AccessReviewItem.objects.select_related(
        "grant__user", "grant__scope", "reviewer", "holder", "review"
    )
    return rows if reads_all(actor) else rows.filter(reviewer=actor.user_id)


def under_way() -> list[AccessReview]:
    """Open campaigns with how much is decided, the earliest due first."""
    counted = AccessReview.objects.filter(state=State.OPEN).annotate(
        all_items=Count("items"), waiting=Count("items", filter=Q(items__decision=Decision.OPEN))
    )
    return list(counted.order_by("due_at"))


@dataclass(frozen=True)
class Cycle:
    """How often access is reviewed here, and where we are."""

    days: int
    last: datetime | None
    due: datetime

    @property
    def overdue(self) -> bool:
        return self.due <= now()


def cycle() -> Cycle:
    """When the last review closed, and when the next is due."""
    organization = Organization.objects.get(pk=require_scope().organization_id)
    last = (
        AccessReview.objects.filter(state=State.CLOSED)
        .order_by("-closed_at")
        .values_list("closed_at", flat=True)
        .first()
    )
    days = organization.access_review_days
    return Cycle(days, last, (last or organization.created_at) + timedelta(days=days))


def reviewers_of(review_id: uuid.UUID | str) -> list[uuid.UUID]:
    rows = AccessReviewItem.objects.filter(review=review_id, decision=Decision.OPEN)
    return list(rows.order_by().values_list("reviewer", flat=True).distinct())
