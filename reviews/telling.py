"""Who is told what about reviews, once an act is on the ledger."""

from __future__ import annotations

import uuid
from typing import Any

from releasetrain.interface.notices import Notice, notice
from reviews.models import (
    ActionItem,
    ImprovementKind,
    ImprovementProposal,
    Review,
    ReviewCause,
    ReviewParticipant,
)

from . import sweeping  # noqa: F401 - declares the kind of its reminders


def _people(review: Review) -> set[uuid.UUID]:
    seats = ReviewParticipant.objects.filter(review=review, left_at__isnull=True)
    return {*seats.values_list("user_id", flat=True)} | ({review.facilitator_id} - {None})


@notice(
    "review.create",
    "review.open_by_rule",
    "review.require",
    name="review.opened",
    title="A review opened that you take part in",
)
def opened(entry: Any) -> Notice | None:
    review = Review.objects.filter(pk=entry.subject_id).first()
    if review is None:
        return None
    due = f"Due {review.due_at:%Y-%m-%d}."
    return Notice(_people(review), f"{review} opened", f"{review.trigger} {due}".strip(), review)


@notice(
    "review.plan_meeting",
    "review.open_round",
    name="review.meets",
    title="A review meets, or asks for comments",
)
def meets(entry: Any) -> Notice | None:
    review = Review.objects.filter(pk=entry.subject_id).first()
    if review is None:
        return None
    if entry.verb == "review.open_round":
        running = next((r for r in review.rounds if r["closed_at"] is None), None)
        said = f"{running['question']} Until {running['closes_at'][:16]} UTC." if running else ""
        return Notice(_people(review), f"{review.key} asks for your comments", said, review)
    when = f"{review.meets_at:%Y-%m-%d %H:%M} UTC" if review.meets_at else "in comment rounds"
    return Notice(_people(review), f"{review.key} meets: {when}", review.meeting_link, review)


@notice("review.add_action", "action_item.edit", name="review.action", title="An action of a review is yours")
def action_is_yours(entry: Any) -> Notice | None:
    if entry.subject_kind == "actionitem":
        item = ActionItem.objects.filter(pk=entry.subject_id).first()
    else:
        rows = ActionItem.objects.filter(review=entry.subject_id)
        item = rows.order_by("-created_at", "-id").first()
    if item is None:
        return None
    return Notice(
        [item.owner_id], f"{item} is yours", f"Due {item.due_on:%Y-%m-%d}. {item.success_criteria}", item
    )


@notice(
    *(f"review_cause.propose_{kind.value}" for kind in ImprovementKind),
    "review_cause.propose_by_rule",
    "improvement.edit",
    name="review.proposal",
    title="A finding asks you for a change",
)
def proposed(entry: Any) -> Notice | None:
    if entry.subject_kind == "improvementproposal":
        proposal = ImprovementProposal.objects.filter(pk=entry.subject_id).first()
    else:
        cause = ReviewCause.objects.filter(pk=entry.subject_id).first()
        rows = ImprovementProposal.objects.filter(cause=cause)
        proposal = rows.order_by("-created_at", "-id").first() if cause else None
    if proposal is None or proposal.owner_id is None:
        return None
    return Notice([proposal.owner_id], f"{proposal}: a finding asks for it", proposal.reason, proposal)


@notice(
    "improvement.apply",
    "improvement.decline",
    name="review.answered",
    title="Your proposal was applied or declined",
)
def answered(entry: Any) -> Notice | None:
    proposal = ImprovementProposal.objects.filter(pk=entry.subject_id).first()
    if proposal is None or proposal.proposed_by_id is None:
        return None
    said = proposal.get_state_display().lower()
    return Notice([proposal.proposed_by_id], f"{proposal} was {said}", proposal.decision, proposal)


@notice("review.close", name="review.closed", title="A review that you took part in is closed")
def closed(entry: Any) -> Notice | None:
    review = Review.objects.filter(pk=entry.subject_id).first()
    return Notice(_people(review), f"{review} is closed", review.decision, review) if review else None
