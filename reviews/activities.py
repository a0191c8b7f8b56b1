"""Reviews as an activity that controls rest on."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, Q, QuerySet

from governance.activities import activity, outcome
from reviews.models import Review


@activity(
    "post-release-reviews",
    "Post-release reviews closed in time",
    "Each review due in the period passed if it was closed by its due time; one closed later, or still open, failed.",
    people=("facilitator_id",),
)
def reviews_closed(starts: datetime, ends: datetime) -> QuerySet:
    rows = Review.objects.filter(due_at__gte=starts, due_at__lt=ends)
    in_time = Q(state="closed", closed_at__lte=F("due_at"))
    return rows.annotate(came_to=outcome(passed=in_time, failed=~in_time))
