"""Quarterly reviews: prepared, opened with a picture, decided proposal by proposal, closed with a picture."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from planning.models import (
    Feature,
    ProposalState,
    QuarterlyReview,
    QuarterlyReviewer,
    ReviewProposal,
)
from planning.queries.quarterly_review import snapshot
from planning.states import QUARTERLY_REVIEW_STATES
from releasetrain.accounts.models import User
from releasetrain.audit.doorway import action, explain_constraint, register_guard
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.canonical import plain
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, Refusal, refuse
from trains.models import Train

from .features import belongs_to
from .themes import Quarter, check_quarter

explain_constraint("quarterly_reviewer_once", "This person takes part already.")


@action(
    "quarterly_review.create",
    creates=QuarterlyReview,
    requires="planning.commit",
    within="train",
    label="New quarterly review",
)
def create_quarterly_review(
    actor: Actor,
    *,
    train: Annotated[Train, Field("Train")],
    quarter: Quarter,
    held_on: Annotated[date, Field("Held on")],
    reviewers: Annotated[list[User], Field("Who takes part")],
    agenda: Annotated[str, Field("Agenda", long=True)] = "",
) -> QuarterlyReview:
    """Prepare a quarterly review with the executives who decide in it."""
    if not reviewers:
        refuse("quarterly_review.nobody", "Name at least one person who decides.", field="reviewers")
    review = QuarterlyReview.objects.create(
        train=train, quarter=check_quarter(quarter), held_on=held_on, agenda=agenda.strip()
    )
    for person in dict.fromkeys(reviewers):
        QuarterlyReviewer.objects.create(review=review, person=person)
    return review


@action(
    "quarterly_review.open",
    on=QuarterlyReview,
    requires="planning.commit",
    machine=QUARTERLY_REVIEW_STATES,
    label="Open the session",
)
def open_quarterly_review(actor: Actor, review: QuarterlyReview) -> QuarterlyReview:
    """Open the session: the picture of the train's plan is taken, before anything is decided."""
    review.before, review.before_at = plain(snapshot(review.train, review.quarter)), now()
    return review


@action("quarterly_review.propose", on=QuarterlyReview, requires="planning.edit", label="Add a proposal")
def propose(
    actor: Actor,
    review: QuarterlyReview,
    *,
    title: Annotated[str, Field("Proposal", max_length=200)],
    text: Annotated[str, Field("Why", long=True)] = "",
    feature: Annotated[Feature | None, Field("Feature it is about")] = None,
) -> ReviewProposal:
    """Put a proposal before the review."""
    if not title.strip():
        refuse("review_proposal.title", "A proposal has a title.", field="title")
    belongs_to(review.train_id, feature=feature)
    return ReviewProposal.objects.create(
        review=review, title=title.strip(), text=text.strip(), feature=feature, proposed_by_id=actor.user_id
    )


def _reviewers(actor: Actor, subject: Any) -> Any:
    if isinstance(subject, ReviewProposal):
        return User.objects.filter(pk__in=subject.review.reviewers.values("person"))
    return User.objects.filter(pk__in=QuarterlyReviewer.objects.values("person"))


DECISIONS = tuple((s.value, s.label) for s in ProposalState if s != ProposalState.OPEN)


@action("review_proposal.decide", on=ReviewProposal, requires="planning.commit")
def decide_proposal(
    actor: Actor,
    proposal: ReviewProposal,
    *,
    decision: Annotated[str, Field("Decision", choices=DECISIONS)],
    rationale: Annotated[str, Field("Rationale", long=True)],
    decided_by: Annotated[User, Field("Decided by", "One of those who take part.", rows=_reviewers)],  # type: ignore[valid-type]
) -> ReviewProposal:
    """Record what the review decided about a proposal, by whom and why."""
    if not rationale.strip():
        refuse("review_proposal.rationale", "Say why.", field="rationale")
    if not proposal.review.reviewers.filter(person=decided_by).exists():
        refuse(
            "review_proposal.stranger",
            f"{decided_by} does not take part in {proposal.review}.",
            field="decided_by",
        )
    proposal.state, proposal.rationale = ProposalState(decision), rationale.strip()
    proposal.decided_by, proposal.decided_at = decided_by, now()
    proposal.save()
    return proposal


@action(
    "quarterly_review.close",
    on=QuarterlyReview,
    requires="planning.commit",
    machine=QUARTERLY_REVIEW_STATES,
    label="Close the session",
)
def close_quarterly_review(actor: Actor, review: QuarterlyReview) -> QuarterlyReview:
    """Close the session: the picture is taken again, and the difference is what the review changed."""
    review.after, review.after_at = plain(snapshot(review.train, review.quarter)), now()
    return review


def all_decided(actor: Actor, review: QuarterlyReview, params: dict[str, Any]) -> Refusal | None:
    """A review closes with an answer to every proposal."""
    waiting = review.proposals.filter(state=ProposalState.OPEN).first()
    if waiting is None:
        return None
    return Refusal(
        "quarterly_review.undecided",
        f"“{waiting}” is not decided.",
        remedy="Accept, decline or postpone it.",
        blocked_by=Ref.of(waiting),
    )


def not_closed(actor: Actor, review: QuarterlyReview, params: dict[str, Any]) -> Refusal | None:
    return Refusal("quarterly_review.closed", f"{review} is closed.") if review.state == "closed" else None


def session_runs(actor: Actor, proposal: ReviewProposal, params: dict[str, Any]) -> Refusal | None:
    """Decisions are made in the session, after the picture before was taken."""
    if proposal.state != ProposalState.OPEN:
        return Refusal("review_proposal.decided", f"“{proposal}” is decided already.")
    if proposal.review.state != "running":
        return Refusal(
            "quarterly_review.not_running",
            f"{proposal.review} is {proposal.review.get_state_display().lower()}.",
            remedy="Open the session first: the picture before is taken then.",
            blocked_by=Ref.of(proposal.review),
        )
    return None


register_guard("quarterly_review.close", all_decided)
register_guard("quarterly_review.propose", not_closed)
register_guard("review_proposal.decide", session_runs)
