"""What is known when causes are discussed: whether a deeper analysis is worth it."""

from __future__ import annotations

from reviews.models import Review, ReviewCause, ReviewFact
from reviews.rules.analysis import Offer, Situation, offer


def analysis_of(review: Review) -> Offer:
    """Whether 5 Whys and a fishbone are offered for this review, and why."""
    facts = list(review.facts.values_list("kind", "value"))
    causes = list(review.causes.values_list("category", "process_wide"))
    categories = frozenset(category for category, _ in causes if category != "unknown")
    earlier = 0
    if categories:
        earlier = (
            ReviewCause.objects.filter(
                review__service=review.service_id, category__in=categories, state=ReviewCause.State.SUPPORTED
            )
            .exclude(review=review.pk)
            .values("review")
            .distinct()
            .count()
        )
    kinds = [kind for kind, _ in facts]
    outcomes = [v.get("outcome") for kind, v in facts if kind == ReviewFact.Kind.DEPLOYMENT]
    return offer(
        Situation(
            incidents=kinds.count(ReviewFact.Kind.INCIDENT),
            services=1 + len(review.also),
            gaps=kinds.count(ReviewFact.Kind.GAP),
            failed_at_once="failed" in outcomes,
            categories=categories,
            earlier=earlier,
            process_wide=any(wide for _, wide in causes),
        )
    )
