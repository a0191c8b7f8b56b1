"""The faces of reviews: lists, pages and API endpoints of each kind of object."""

from __future__ import annotations

from problems.actions.debt import backlog_items
from releasetrain.interface import navigation
from releasetrain.interface.resources import Filter, Related, Resource, register
from releasetrain.kernel.clock import now

from .models import (
    ActionItem,
    CaseStudy,
    ImprovementProposal,
    Review,
    ReviewBaseline,
    ReviewCause,
    ReviewFact,
    ReviewParticipant,
    ReviewPolicy,
    ReviewRecord,
    ReviewRule,
)
from .pages.improvement import improvement_page
from .pages.review import review_page
from .pages.study import study_page
from .queries.archive import readable_records, readable_studies
from .queries.pending import overdue_actions, overdue_improvements, overdue_reviews

navigation.register(
    navigation.Place(
        "action_items", "Actions", "check", "action-items/", 101, "Learn", "Actions from reviews"
    )
)
navigation.register(
    navigation.Place(
        "improvements",
        "Improvements",
        "flag",
        "improvements/",
        111,
        "Learn",
        "What findings change in gates, checklists, thresholds",
    )
)
navigation.register(
    navigation.Place(
        "review_archive",
        "Review archive",
        "search",
        "review-archive/",
        112,
        "Learn",
        "Search what was said in reviews",
    )
)
navigation.register(
    navigation.Place(
        "review_health",
        "Release health",
        "chart",
        "review-health/",
        113,
        "Learn",
        "Anonymous report of each quarter",
    )
)
navigation.register(
    navigation.Place(
        "risk_calibration",
        "Predicted risk",
        "target",
        "risk-calibration/",
        114,
        "Learn",
        "Predicted against actual risk of changes",
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
register(
    Resource(
        ImprovementProposal,
        plural="improvements",
        section="improvements",
        icon="flag",
        columns=("key", "title", "kind", "target_label", "owner", "due_on", "state", "review"),
        filters=(
            Filter(
                "overdue",
                "Overdue",
                lambda rows, value: (
                    rows.filter(overdue_improvements(now().date()))
                    if value == "yes"
                    else rows.exclude(overdue_improvements(now().date()))
                ),
                (("yes", "Overdue"), ("no", "In time")),
            ),
            "state",
            "kind",
            "owner",
        ),
        search=("key", "title", "target_label"),
        order=("due_on", "id"),
        template="reviews/improvement.html",
        context=improvement_page,
        part_of=lambda part: part.review,
    )
)
register(
    Resource(
        ReviewParticipant,
        plural="review-participants",
        section="reviews",
        columns=("user", "part", "attendance", "accountable", "attended_at", "acknowledged_at", "review"),
        filters=("part", "attendance", "review", "user"),
        order=("-created_at", "-id"),
        part_of=lambda part: part.review,
    )
)
register(
    Resource(
        ReviewPolicy,
        plural="review-policies",
        section="review_rules",
        icon="list",
        columns=("train", "quorum", "effect_days", "escalate_days", "recurrences", "board"),
        filters=("train",),
        order=("train__key", "id"),
    )
)
register(
    Resource(
        ReviewBaseline,
        plural="review-baselines",
        section="reviews",
        icon="chart",
        columns=("title", "service", "release", "median", "p95", "unit", "count", "set_at", "late"),
        filters=("service", "release", "late"),
        search=("title", "metric"),
        order=("-set_at", "-id"),
        facts=(
            "title",
            "metric",
            "service",
            "release",
            "good",
            "unit",
            "tolerance",
            "starts_at",
            "ends_at",
            "count",
            "median",
            "p95",
            "set_at",
            "late",
        ),
    )
)
register(
    Resource(
        ReviewRecord,
        plural="review-records",
        section="reviews",
        columns=("title", "kind", "held_on", "access", "review"),
        filters=("kind", "access", "review"),
        search=("title",),
        order=("-held_on", "-id"),
        rows=readable_records,
        part_of=lambda part: part.review,
    )
)
register(
    Resource(
        CaseStudy,
        plural="case-studies",
        section="reviews",
        icon="star",
        columns=("key", "title", "category", "state", "published_at"),
        filters=("state", "category"),
        search=("key", "title", "body"),
        order=("-created_at", "-id"),
        rows=readable_studies,
        hidden=("source", "redactions", "review", "written_by", "checked_by"),
        only_now=("title", "body"),
        template="reviews/study.html",
        context=study_page,
    )
)
