"""Verbs of causes: hypotheses until a fact supports them, without names of persons."""

from __future__ import annotations

from typing import Annotated, Any

from django.contrib.auth import get_user_model

from problems.models import Category
from releasetrain.audit.doorway import Actor, Field, Refusal, action, register_guard
from releasetrain.kernel.refusals import refuse
from reviews.models import Depth, Review, ReviewCause, ReviewFact
from reviews.rules.names import names_in
from reviews.states import CAUSE_STATES, REVIEW_STATES


def _facts(actor: Actor, subject: Any) -> Any:
    """The facts of the review, or of the review of the cause."""
    if subject is None:
        return ReviewFact.objects.none()
    review = subject if isinstance(subject, Review) else subject.review
    return review.facts.all()


Evidence = Annotated[
    ReviewFact | None, Field("Fact that shows it", help="Without one it stays a hypothesis.", rows=_facts)
]


@action("review.add_cause", on=Review, requires="reviews.contribute", machine=REVIEW_STATES)
def add_cause(
    actor: Actor,
    review: Review,
    *,
    statement: Annotated[str, Field("Cause", help="Of systems, processes and roles; no names.", long=True)],
    category: Annotated[Category, Field("Category")],
    evidence: Evidence = None,
    process_wide: Annotated[bool, Field("Reaches beyond this release")] = False,
) -> ReviewCause:
    """Say why it happened. Without a fact that shows it, it is a hypothesis and leads to no action."""
    if not statement.strip():
        refuse("review.statement", "Say what the cause is.", field="statement")
    refuse_names(actor, statement, "statement")
    _own_fact(review, evidence)
    return ReviewCause.objects.create(
        review=review,
        statement=statement.strip(),
        category=category,
        evidence=evidence,
        process_wide=process_wide,
        state=ReviewCause.State.SUPPORTED if evidence else ReviewCause.State.HYPOTHESIS,
        author_id=actor.user_id,
    )


def refuse_names(actor: Actor, text: str, field: str) -> None:
    """Causes name roles, not persons."""
    people = get_user_model().objects.filter(memberships__organization_id=actor.organization_id)
    pairs = people.values_list("name", "email")
    # A name of one word is too often a word.
    found = names_in(text, [n for pair in pairs for n in pair if n and (" " in n.strip() or "@" in n)])
    if found:
        refuse(
            "review.names",
            f"This names {', '.join(found)}.",
            remedy="Reviews are blameless: say the role, e.g. the release manager on duty.",
            field=field,
        )


def _own_fact(review: Review, fact: ReviewFact | None) -> None:
    if fact is not None and fact.review_id != review.pk:
        refuse("review.other_fact", "This fact belongs to another review.", field="evidence")


@action("review_cause.support", on=ReviewCause, requires="reviews.contribute", machine=CAUSE_STATES)
def support_cause(
    actor: Actor,
    cause: ReviewCause,
    *,
    evidence: Annotated[ReviewFact, Field("Fact that shows it", rows=_facts)],
) -> ReviewCause:
    """Show a hypothesis to be so by a fact of the review."""
    _own_fact(cause.review, evidence)
    cause.evidence = evidence
    return cause


@action("review.agree_causes", on=Review, requires="reviews.facilitate", machine=REVIEW_STATES)
def agree_causes(actor: Actor, review: Review) -> Review:
    """Close the discussion of causes and turn to actions."""
    return review


def _cause_found(actor: Actor, review: Any, params: dict[str, Any]) -> Refusal | None:
    if review is None or review.depth != Depth.DETAILED:
        return None
    if review.causes.filter(state=ReviewCause.State.SUPPORTED).exists():
        return None
    return Refusal(
        "review.no_cause",
        "No cause is supported by a fact yet.",
        remedy="A detailed review names at least one cause and the fact that shows it.",
    )


register_guard("review.agree_causes", _cause_found)
