"""What reviews found to cause failures of a train, for the checklists of teams that join it."""

from __future__ import annotations

from collections.abc import Iterable

from reviews.models import ReviewCause
from trains.models import Train
from trains.ports import FailureMode, failure_modes

MOST = 20


@failure_modes
def causes_of_failures(train: Train) -> Iterable[FailureMode]:
    """Supported causes of the train's reviews, the latest first; hypotheses are not passed on."""
    causes = (
        ReviewCause.objects.filter(state=ReviewCause.State.SUPPORTED, review__service__train=train)
        .select_related("review")
        .order_by("-created_at")
    )
    for cause in causes[:MOST]:
        yield FailureMode(
            cause.statement.strip(), f"{cause.review.key}, {cause.get_category_display().lower()}"
        )
