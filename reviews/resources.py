"""The faces of reviews: lists, pages and API endpoints of each kind of object."""

from __future__ import annotations

from problems.actions.debt import backlog_items
from releasetrain.interface import navigation
from releasetrain.interface.resources import Filter, Related, Resource, register
from releasetrain.kernel.clock import now

from .models import ActionItem, Review, ReviewCause, ReviewFact, ReviewRule
from .pages.review import review_page
from .queries.pending import overdue_actions, overdue_reviews

navigation.register(
    navigation.Place(
        "action_items", "Actions", "check", "action-items/", 101, "Learn", "Actions from reviews"
    )
)
navigation.register(
    navigation.Place(
        "review_rules", "Review rules", "filter", "review-rules/", 102, "Learn", "When reviews open"
    )
)

_SUBJECT = ("deployment__service", "deployment__environment")

register(
    Resource(
        Review,
        plural="reviews",
        section="reviews",
        icon="review",
        columns=("key", "subject", "service", "depth", "state", "mandatory", "due_at", "facilitator"),
        filters=(
            Filter(
                "overdue",
                "Overdue",
                lambda rows, value: (
                    rows.filter(overdue_reviews(now()))
                    if value == "yes"
                    else rows.exclude(overdue_reviews(now()))
                ),
                (("yes", "Overdue"), ("no", "In time")),
            ),
            "state",
            "depth",
            "mandatory",
            "service",
        ),
        search=("key", "trigger", "decision"),
        order=("due_at", "id"),
        template="reviews/review.html",
        context=review_page,
        related=(Related("Backlog items", backlog_items),),
        select=_SUBJECT,
    )
)
register(
    Resource(
        ReviewFact,
        plural="review-facts",
        section="reviews",
        columns=("sentence", "kind", "at", "review"),
        filters=("kind", "review"),
        search=("sentence",),
        order=("at", "id"),
        part_of=lambda part: part.review,
        hidden=("identity",),
    )
)
register(
    Resource(
        ReviewCause,
        plural="review-causes",
        section="reviews",
        columns=("statement", "category", "state", "process_wide", "review"),
        filters=("state", "category", "process_wide"),
        search=("statement",),
        order=("-created_at", "-id"),
        part_of=lambda part: part.review,
    )
)
register(
    Resource(
        ActionItem,
        plural="action-items",
        section="action_items",
        icon="check",
        columns=("key", "title", "owner", "due_on", "state", "review"),
        filters=(
            Filter(
                "overdue",
                "Overdue",
                lambda rows, value: (
                    rows.filter(overdue_actions(now().date()))
                    if value == "yes"
                    else rows.exclude(overdue_actions(now().date()))
                ),
                (("yes", "Overdue"), ("no", "In time")),
            ),
            "state",
            "owner",
        ),
        search=("key", "title", "success_criteria"),
        order=("due_on", "id"),
        part_of=lambda part: part.review,
    )
)
register(
    Resource(
        ReviewRule,
        plural="review-rules",
        section="review_rules",
        icon="filter",
        columns=(
            "name",
            "depth",
            "least_critical_tier",
            "emergency_only",
            "mandatory",
            "due_days",
            "retired_at",
        ),
        filters=("depth", "mandatory"),
        search=("name",),
        order=("name", "id"),
    )
)
