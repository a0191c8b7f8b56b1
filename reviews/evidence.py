"""Records of reviews for evidence packages: the accepted facts, the causes and what follows from them."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q

from governance.evidence.collect import Entry, Subject, collector, shown
from reviews.models import ActionItem, Review, ReviewCause, ReviewFact


@collector("reviews.reviews")
def reviews(subject: Subject) -> Iterator[Entry]:
    """The reviews of the releases and deployments."""
    chosen = Review.objects.filter(Q(release__in=subject.releases) | Q(deployment__in=subject.deployments))
    yield from subject.records(chosen)
    yield from subject.records(ReviewFact.objects.filter(review__in=chosen))
    yield from subject.records(ReviewCause.objects.filter(review__in=chosen))
    yield from subject.records(ActionItem.objects.filter(review__in=chosen))


shown(
    "review",
    "Post-release reviews",
    order=330,
    columns=(
        ("Review", "key"),
        ("Depth", "depth"),
        ("State", "state"),
        ("Facts accepted", "facts_accepted_at"),
        ("Digest of the facts", "facts_digest"),
        ("Decision", "decision"),
    ),
    absent="No review was opened.",
    attention=lambda data: (
        "A mandatory review is not done."
        if data["mandatory"] and data["state"] != Review.State.CLOSED
        else ""
    ),
)
shown(
    "reviewfact",
    "Facts of the reviews",
    order=332,
    columns=(("When", "at"), ("Kind", "kind"), ("Fact", "sentence"), ("Review", "review")),
    sort="at",
)
shown(
    "reviewcause",
    "Causes found in the reviews",
    order=334,
    columns=(("Cause", "statement"), ("Category", "category"), ("State", "state"), ("Fact", "evidence")),
)
shown(
    "actionitem",
    "Actions that follow",
    order=336,
    columns=(
        ("Action", "key"),
        ("What", "title"),
        ("Owner", "owner"),
        ("Due", "due_on"),
        ("State", "state"),
        ("Effect", "effect"),
    ),
)
