"""Reviews that wait: open ones that a gate looks at, and what is overdue."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Q, QuerySet

from reviews.models import ActionItem, ImprovementProposal, Review

from .policies import for_trains


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


def overdue_actions_of(services: Iterable[uuid.UUID], at: datetime) -> list[ActionItem]:
    """Overdue actions of reviews of these services, where the standard says that they count against readiness."""
    return [item for item in _counted(services) if item.due_on < at.date()]


def actions_ahead(services: Iterable[uuid.UUID], at: datetime) -> list[datetime]:
    """When the next of them becomes overdue."""
    return [
        datetime.combine(item.due_on + timedelta(days=1), time(0), tzinfo=UTC)
        for item in _counted(services)
        if item.due_on >= at.date()
    ]


def _counted(services: Iterable[uuid.UUID]) -> list[ActionItem]:
    rows = list(
        ActionItem.objects.filter(state=ActionItem.State.OPEN, review__service__in=list(services))
        .select_related("review__service")
        .order_by("due_on", "id")
    )
    if not rows:
        return []
    policies = for_trains({item.review.service.train_id for item in rows})
    return [i for i in rows if policies[i.review.service.train_id].standard.hold_overdue_actions]
