"""The faces of access reviews."""

from __future__ import annotations

from releasetrain.access import actions  # noqa: F401 - the verbs come with their faces
from releasetrain.access.models import AccessReview, AccessReviewItem
from releasetrain.access.pages.reviews import review_page
from releasetrain.access.queries.reviews import visible_items, visible_reviews
from releasetrain.interface.resources import Resource, register

register(
    Resource(
        AccessReview,
        plural="access-reviews",
        section="settings",
        icon="check",
        columns=("key", "title", "state", "due_at", "lapse", "opened_by", "closed_at"),
        filters=("state",),
        search=("key", "title"),
        order=("-created_at",),
        rows=visible_reviews,
        template="access/review.html",
        context=review_page,
        description="Campaigns in which every role in force is kept or revoked by somebody else than its holder.",
    )
)
register(
    Resource(
        AccessReviewItem,
        plural="access-review-items",
        section="settings",
        icon="check",
        columns=(
            "review",
            "grant",
            "holder",
            "reviewer",
            "decision",
            "reason",
            "last_used_at",
            "decided_by",
            "decided_at",
        ),
        filters=("review", "decision", "reviewer"),
        search=("holder__name", "holder__email", "reason"),
        order=("-created_at", "id"),
        select=("grant__user", "grant__scope"),
        rows=visible_items,
        part_of=lambda item: item.review,
        description="One grant in an access review, with its decision.",
    )
)
