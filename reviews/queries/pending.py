"""Reviews that wait: open ones that a gate looks at, and what is overdue."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import date, datetime

from django.db.models import Q, QuerySet

from reviews.models import ActionItem, ImprovementProposal, Review


def open_reviews(services: Iterable[uuid.UUID], *, other_than: uuid.UUID | None = None) -> list[Review]:
    """Reviews of these services that are not closed; one of the release itself does not stand in its own way."""
    wanted = list(services)
    rows = Review.objects.filter(Q(service__in=wanted) | Q(also__overlap=wanted)).exclude(
        state=Review.State.CLOSED
    )
    if other_than is not None:
        rows = rows.exclude(release=other_than)
    return list(rows.select_related("service", "release", "deployment__service", "deployment__environment"))


def overdue_reviews(at: datetime) -> Q:
    return Q(due_at__lt=at) & ~Q(state=Review.State.CLOSED)


def overdue_actions(day: date) -> Q:
    return Q(due_on__lt=day, state=ActionItem.State.OPEN)


def overdue_improvements(day: date) -> Q:
    return Q(due_on__lt=day, state=ImprovementProposal.State.OPEN)


def stale_actions(review: Review, day: date) -> QuerySet[ActionItem]:
    """Open actions of a review whose day has passed."""
    return review.actions.filter(overdue_actions(day))
