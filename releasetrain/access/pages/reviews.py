"""An access review: what waits for me, decided one by one or many at once."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_POST

from releasetrain.access.actions.reviews import keep_access, revoke_access
from releasetrain.access.models import AccessReview, AccessReviewItem
from releasetrain.access.queries import holdings
from releasetrain.access.queries.reviews import visible_items, visible_reviews
from releasetrain.interface.links import url_for
from releasetrain.interface.pages import redirect_to
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.models import row_id

_MOST = 500
Decision = AccessReviewItem.Decision


def review_page(request: Any, review: AccessReview) -> dict[str, Any]:
    """Items of the campaign that this person may see, what they may decide first."""
    items = list(visible_items(request.actor).filter(review=review).order_by("decision", "id")[:_MOST])
    givers = holdings.given_by(item.grant_id for item in items)
    idle = now() - holdings.UNUSED
    listed = [
        {
            "item": item,
            "giver": givers.get(item.grant_id, ("", None))[0],
            "idle": item.last_used_at is None or item.last_used_at < idle,
            "mine": item.reviewer_id == request.actor.user_id
            and item.decision == Decision.OPEN
            and review.state == AccessReview.State.OPEN,
        }
        for item in items
    ]
    counted = Counter(item.decision for item in items)
    return {
        "mine": [each for each in listed if each["mine"]],
        "others": [each for each in listed if not each["mine"]],
        "counts": [(label, counted[value]) for value, label in Decision.choices if counted[value]],
        "export_url": f"/o/{request.organization.slug}/access-review-items/export.csv?review={review.pk}",
    }


@require_POST
def decide(request: Any, reference: str) -> HttpResponse:
    """Keep or revoke the ticked ones, each by its own verb, with one reason."""
    review = visible_reviews(request.actor).filter(key=reference).first()
    if review is None:
        raise Http404("No such access review.")
    wanted = [found for found in map(row_id, request.POST.getlist("item")) if found]
    act = {"keep": keep_access, "revoke": revoke_access}.get(request.POST.get("decision", ""))
    reason = request.POST.get("reason", "").strip()[:500]
    if act is None or not wanted or not reason:
        messages.error(request, "Tick what you decide on, give a reason, and choose Keep or Revoke.")
        return redirect_to(url_for(review))
    done = 0
    for item in visible_items(request.actor).filter(review=review, pk__in=wanted[:_MOST]):
        try:
            act(request.actor, item, reason=reason)
            done += 1
        except Refused as refused:
            messages.error(request, f"{item}: {refused}")
    if done:
        messages.success(request, f"{done} decided.")
    return redirect_to(url_for(review))
