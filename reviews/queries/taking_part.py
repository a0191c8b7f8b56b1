"""Who takes part in reviews, and which outcomes product has still to acknowledge."""

from __future__ import annotations

from typing import Any

from reviews.models import Review, ReviewParticipant
from reviews.models.participant import Attendance, Part


def unacknowledged(train_id: Any) -> ReviewParticipant | None:
    """The product stakeholder who has not acknowledged a closed review of the train; those informed only need not."""
    if train_id is None:
        return None
    return (
        ReviewParticipant.objects.filter(
            part=Part.PRODUCT,
            left_at__isnull=True,
            acknowledged_at__isnull=True,
            review__state=Review.State.CLOSED,
            review__service__train=train_id,
        )
        .exclude(attendance=Attendance.INFORMED)
        .select_related("review__service", "user")
        .order_by("review__closed_at")
        .first()
    )
