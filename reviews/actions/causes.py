"""Verbs of causes: hypotheses until a fact supports them, without names of persons."""

from __future__ import annotations

from typing import Annotated, Any

from django.contrib.auth import get_user_model

from problems.models import Category, Incident
from problems.queries.evidence import is_link
from releasetrain.audit.doorway import Actor, Field, Refusal, action, register_guard
from releasetrain.kernel.refusals import refuse
from reviews.models import Depth, Review, ReviewCause, ReviewFact
from reviews.queries.analysis import analysis_of
from reviews.queries.subject import blamed, deployments_of
from reviews.rules.analysis import MOST_WHYS
from reviews.rules.names import names_in
from reviews.states import CAUSE_STATES, REVIEW_STATES


def _facts(actor: Actor, subject: Any) -> Any:
    """The facts of the review, or of the review of the cause."""
    if subject is None:
        return ReviewFact.objects.none()
    review = subject if isinstance(subject, Review) else subject.review
    return review.facts.all()


def _causes(actor: Actor, review: Any) -> Any:
    return review.causes.all() if isinstance(review, Review) else ReviewCause.objects.none()


def _incidents(actor: Actor, review: Any) -> Any:
    """The incidents laid to what is reviewed."""
    if not isinstance(review, Review):
        return Incident.objects.all()
    links = blamed(deployments_of(review))
    return Incident.objects.filter(pk__in=links.values("incident_id"))


def _refuse_why(review: Review, cause: ReviewCause) -> None:
    """A tree of whys hangs together, is offered where it is worth it, and ends somewhere."""
    if cause.review_id != review.pk:
        refuse("review.other_cause", "This cause belongs to another review.", field="because_of", status=422)
    offered = analysis_of(review)
    if not offered.offered:
        refuse(
            "review.obvious",
            offered.why,
            remedy="Name the cause by itself; 5 Whys are for patterns that are not obvious, or systemic.",
            field="because_of",
        )
    depth, above = 1, cause
    while above.because_of_id is not None:
        depth, above = depth + 1, above.because_of
    if depth >= MOST_WHYS:
        refuse(
            "review.whys",
            f"This answers the {depth}th why; beyond that it is philosophy.",
            remedy="Decide which of the causes can be removed.",
            field="because_of",
        )


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
    because_of: Annotated[
        ReviewCause | None,
        Field("Answers why of", help="5 Whys: the cause that this one explains.", rows=_causes),
    ] = None,
    handoff: Annotated[
        ReviewCause.Handoff | None,
        Field("Handoff gap", help="What was missing between deployment and operations."),
    ] = None,
    incident: Annotated[
        Incident | None, Field("Incident", help="Whose post-mortem says it too.", rows=_incidents)
    ] = None,
    post_mortem: Annotated[str, Field("Post-mortem", help="Its address.", max_length=500)] = "",
) -> ReviewCause:
    """Say why it happened. Without a fact that shows it, it is a hypothesis and leads to no action."""
    if not statement.strip():
        refuse("review.statement", "Say what the cause is.", field="statement")
    refuse_names(actor, statement, "statement")
    _own_fact(review, evidence)
    if because_of is not None:
        _refuse_why(review, because_of)
    if post_mortem.strip() and not is_link(post_mortem.strip()):
        refuse("review.link", "Give an https address.", field="post_mortem", status=422)
    return ReviewCause.objects.create(
        review=review,
        statement=statement.strip(),
        category=category,
        evidence=evidence,
        process_wide=process_wide,
        because_of=because_of,
        handoff=handoff or "",
        incident=incident,
        post_mortem=post_mortem.strip(),
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
