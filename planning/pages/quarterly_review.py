"""The page of a quarterly review: the picture before, proposals and decisions, the picture after, the difference."""

from __future__ import annotations

from typing import Any

from planning.actions.quarterly_reviews import (
    close_quarterly_review,
    decide_proposal,
    open_quarterly_review,
    propose,
)
from planning.models import QuarterlyReview
from planning.queries.quarterly_review import snapshot
from planning.rules.picture import AREAS, difference
from releasetrain.interface import links
from releasetrain.kernel.canonical import plain

NEXT = {"prepared": open_quarterly_review, "running": close_quarterly_review}


def review_page(request: Any, review: QuarterlyReview) -> dict[str, Any]:
    """While the session runs, the difference is to now; once closed, to the picture after."""
    proposals = list(
        review.proposals.select_related("feature", "proposed_by", "decided_by").order_by("created_at")
    )
    after = review.after or (plain(snapshot(review.train, review.quarter)) if review.before else None)
    found = difference(review.before, after) if review.before and after else ()
    step = NEXT.get(review.state)
    return {
        "reviewers": list(review.reviewers.select_related("person")),
        "proposals": [
            (p, decide_proposal.decide(request.actor, p), links.verb_url(decide_proposal, p))
            for p in proposals
        ],
        "differences": [(label, [d for d in found if d.area == area]) for area, label in AREAS.items()],
        "changed": len(found),
        "pictures": [
            (label, len((review.before or {}).get(area, {})), len((after or {}).get(area, {})))
            for area, label in AREAS.items()
        ],
        "step": (step, step.decide(request.actor, review), links.verb_url(step, review)) if step else None,
        "propose": (propose.decide(request.actor, review), links.verb_url(propose, review)),
    }
