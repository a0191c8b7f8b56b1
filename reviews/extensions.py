"""What reviews plug into lower floors: their check, a guard on closing problems, the panel of the release cockpit."""

from __future__ import annotations

from typing import Any

from releasetrain.audit.doorway import Actor, Ref, Refusal, register_guard
from reviews.models import Review

from . import (  # noqa: F401 - register what reviews bring
    activities,
    checks,
    evidence,
    failure_modes,
    improvements,
    telling,
)
from .pages import panel  # noqa: F401 - registers the cockpit's panel


def reviewed_first(actor: Actor, problem: Any, params: dict[str, Any]) -> Refusal | None:
    """A problem is closed after the reviews of the releases that fixed it."""
    if problem is None:
        return None
    fixing = problem.fixes.filter(withdrawn_at__isnull=True).values("release_id")
    review = (
        Review.objects.filter(release__in=fixing)
        .exclude(state=Review.State.CLOSED)
        .order_by("due_at")
        .first()
    )
    if review is None:
        return None
    return Refusal(
        "problem.review_open",
        f"The review of its fix, {review.key}, is not done.",
        remedy="Close the review first.",
        blocked_by=Ref.of(review),
    )


register_guard("problem.close", reviewed_first)
