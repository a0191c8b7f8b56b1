"""Who may read what remains of reviews; the condition is part of every query, so nothing is found that may not be read."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.search import SearchHeadline, SearchQuery, SearchRank
from django.db.models import F, Q, QuerySet

from releasetrain.kernel.actor import Actor
from reviews.models import CaseStudy, Review, ReviewParticipant, ReviewRecord
from reviews.models.archive import LANGUAGE, WORDS

from .owners import roles_of

FACILITATE = "reviews.facilitate"
# What marks a hit in the text; a page makes it a mark element, the API leaves it as it is.
START, STOP = "⟦", "⟧"


def facilitated_by(actor: Actor, prefix: str = "") -> Q:
    """The reviews, or rows of reviews, that the actor may facilitate: by organization, train, team, service, review."""
    # An empty Q would vanish from an "or"; this one says yes.
    everything = Q(pk__isnull=False)
    if actor.kind == "system":
        return everything
    held = actor.grants.get(FACILITATE) or set()
    found = Q(pk__in=[])
    paths = {
        "review": "id",
        "service": "service_id",
        "team": "service__team_id",
        "train": "service__train_id",
    }
    for kind, pk in held:
        if kind == "organization":
            return everything
        if kind in paths:
            found |= Q(**{f"{prefix}{paths[kind]}": pk})
    return found


def readable_records(actor: Actor) -> QuerySet[ReviewRecord]:
    """The records this actor may read: by what each says, by role, by taking part in its review."""
    if actor.kind == "system":
        return ReviewRecord.objects.all()
    access = ReviewRecord.Access
    taking_part = ReviewParticipant.objects.filter(user=actor.user_id, left_at__isnull=True)
    own = Q(review__in=taking_part.values("review_id")) | Q(review__facilitator=actor.user_id)
    allowed = (
        Q(access=access.EVERYBODY) | (Q(access=access.PARTICIPANTS) & own) | facilitated_by(actor, "review__")
    )
    return ReviewRecord.objects.filter(allowed | Q(roles__overlap=roles_of(actor.user_id)))


def readable_studies(actor: Actor) -> QuerySet[CaseStudy]:
    """Published case studies for everybody; what is being redacted only for facilitators and its author."""
    if actor.kind == "system":
        return CaseStudy.objects.all()
    published = Q(state=CaseStudy.State.PUBLISHED)
    return CaseStudy.objects.filter(
        published | Q(written_by=actor.user_id) | facilitated_by(actor, "review__")
    )


def search_records(actor: Actor, words: str) -> QuerySet[Any]:
    """The readable records that say these words, best first, with the passages. Quotes, or and - work as on the web."""
    query = SearchQuery(words, config=LANGUAGE, search_type="websearch")
    rows = readable_records(actor).annotate(words=WORDS).filter(words=query)
    shown = SearchHeadline(
        "text",
        query,
        config=LANGUAGE,
        start_sel=START,
        stop_sel=STOP,
        max_words=30,
        min_words=12,
        max_fragments=3,
        fragment_delimiter=" … ",
    )
    return (
        rows.annotate(rank=SearchRank(F("words"), query), passage=shown)
        .select_related("review__service", "review__release")
        .order_by("-rank", "-held_on", "id")
    )


def searchable_reviews(actor: Actor, words: str) -> QuerySet[Review]:
    """Reviews whose decision, facts or causes say these words; every member may read those."""
    query = SearchQuery(words, config=LANGUAGE, search_type="websearch")
    said = Q(decision__search=query) | Q(rationale__search=query)
    causes = Review.objects.filter(causes__statement__search=query)
    return Review.objects.filter(said | Q(pk__in=causes.values("pk"))).select_related("service", "release")
