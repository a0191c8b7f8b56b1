"""Verbs of facts: filled in from the records, added by people with a source, accepted once for all."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from problems.queries.evidence import is_link, record_of
from releasetrain.audit.doorway import Actor, Field, Refusal, action, register_guard
from releasetrain.kernel.canonical import digest, plain
from releasetrain.kernel.clock import now
from releasetrain.kernel.ids import uuid7
from releasetrain.kernel.refusals import refuse
from reviews.models import Review, ReviewFact
from reviews.queries.facts import content_of, facts_of
from reviews.states import REVIEW_STATES

from .baselines import fill_baselines


def fill_in(review: Review) -> int:
    """Bring the facts up to what is on record now; returns how many changed. Facts that people added stay."""
    if review.release is not None:
        fill_baselines(review.release)
    lines = {line.identity: line for line in facts_of(review, now())}
    present = {f.identity: f for f in review.facts.exclude(kind=ReviewFact.Kind.ADDED)}
    changed = 0
    for identity, fact in present.items():
        if identity not in lines:
            fact.delete()
            changed += 1
    for identity, line in lines.items():
        fact = present.get(identity) or ReviewFact(review=review, identity=identity)
        said = {
            "at": line.at,
            "kind": str(line.kind),
            "sentence": line.sentence[:500],
            "source_kind": line.source_kind,
            "source_id": line.source_id,
            "value": plain(line.value),
        }
        if fact.row_version and all(getattr(fact, n) == v for n, v in said.items()):
            continue
        for name, value in said.items():
            setattr(fact, name, value)
        fact.save()
        changed += 1
    return changed


@action("review.refresh_facts", on=Review, requires="reviews.contribute", machine=REVIEW_STATES)
def refresh_facts(actor: Actor, review: Review) -> Review:
    """Read the facts again from where they are on record."""
    fill_in(review)
    return review


@action("review.add_fact", on=Review, requires="reviews.contribute", machine=REVIEW_STATES)
def add_fact(
    actor: Actor,
    review: Review,
    *,
    sentence: Annotated[str, Field("Fact", help="What happened, not why.", max_length=500)],
    source: Annotated[
        str, Field("Source", help="A link, or the key of a record such as INC-7.", max_length=500)
    ],
    at: Annotated[datetime | None, Field("When")] = None,
) -> ReviewFact:
    """Add a fact that no record brought by itself. Without a source it is no fact."""
    record = record_of(source.strip())
    if record is None and not is_link(source.strip()):
        refuse(
            "review.source",
            f"{source} leads nowhere.",
            remedy="Give an https link, or the key of a record of this organization.",
            field="source",
        )
    return ReviewFact.objects.create(
        review=review,
        identity=f"added:{uuid7()}",
        kind=ReviewFact.Kind.ADDED,
        sentence=sentence,
        at=at,
        source_kind=record._meta.model_name if record is not None else "link",
        source_id=str(record.pk) if record is not None else source.strip(),
        added_by_id=actor.user_id,
    )


@action(
    "review.accept_facts",
    on=Review,
    requires="reviews.facilitate",
    machine=REVIEW_STATES,
    confirm="The facts are frozen as they stand now, and causes may be named.",
)
def accept_facts(actor: Actor, review: Review) -> Review:
    """Accept the facts: they are read once more and frozen; only then causes are discussed."""
    fill_in(review)
    facts = list(review.facts.all())
    if not facts:
        refuse("review.no_facts", "There are no facts yet.", remedy="Add what happened, with its source.")
    review.facts_accepted_at, review.facts_accepted_by_id = now(), actor.user_id
    review.facts_digest = digest(content_of(facts))
    return review


@action("review.reopen_facts", on=Review, requires="reviews.facilitate", machine=REVIEW_STATES)
def reopen_facts(
    actor: Actor,
    review: Review,
    *,
    reason: Annotated[str, Field("Reason", help="Which fact was missing.", long=True)],
) -> Review:
    """Go back to the facts, as long as no cause rests on them."""
    review.facts_accepted_at, review.facts_accepted_by_id, review.facts_digest = None, None, ""
    return review


def _nothing_rests_on_them(actor: Actor, review: Any, params: dict[str, Any]) -> Refusal | None:
    if review is not None and review.causes.exists():
        return Refusal(
            "review.causes_named", "Causes rest on these facts already.", remedy="Open another review."
        )
    return None


register_guard("review.reopen_facts", _nothing_rests_on_them)
