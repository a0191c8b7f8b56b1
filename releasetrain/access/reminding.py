"""Reviewers are told that a campaign is open and when it is nearly due; at the due day the campaign closes itself."""

from __future__ import annotations

import uuid
from datetime import timedelta

from releasetrain.audit.models import LedgerEntry
from releasetrain.interface.notices import Notice, declare_kind, notice, remind
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.tenancy.scope import tenant_scope

from .actions.reviews import close_access_review
from .models import AccessReview
from .queries.reviews import reviewers_of

AHEAD = timedelta(days=3)
_DUE = "access_review.due"
declare_kind(_DUE, "Access reviews that are nearly due")


@notice("access_review.open", name="access_review.wanted", title="Access waits for your review")
def wanted(entry: LedgerEntry) -> Notice | None:
    review = AccessReview.objects.filter(pk=entry.subject_id, state=AccessReview.State.OPEN).first()
    if review is None:
        return None
    text = f"What nobody reviewed {review.get_lapse_display()} on {review.due_at:%d %B %Y}."
    return Notice(
        to=reviewers_of(review.pk), title=f"{review}: access waits for your review", text=text, about=review
    )


def sweep(organization_id: uuid.UUID) -> int:
    """Remind and close what is due; returns how many campaigns were closed."""
    closed = 0
    for review in AccessReview.objects.filter(state=AccessReview.State.OPEN, due_at__lte=now() + AHEAD):
        if review.due_at > now():
            remind(
                reviewers_of(review.pk),
                f"{review.pk}:{review.due_at.isoformat()}",
                f"{review} is due on {review.due_at:%d %B}",
                f"What nobody reviewed {review.get_lapse_display()} then.",
                review,
                name=_DUE,
                urgent=True,
            )
            continue
        actor = Actor.system(organization_id, f"{review.key} is due")
        with tenant_scope(organization_id, actor):
            close_access_review(actor, review)
        closed += 1
    return closed
