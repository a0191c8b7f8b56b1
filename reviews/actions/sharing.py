"""Verbs of case studies: written from a closed review, redacted place by place, published by a second person."""

from __future__ import annotations

from typing import Annotated, Any

from django.contrib.auth import get_user_model

from problems.models import Category
from releasetrain.audit.doorway import Actor, Field, Refusal, action, explain_constraint, register_guard
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref, refuse
from reviews.models import CaseStudy, Review, ReviewCause
from reviews.rules import redaction
from reviews.rules.redaction import CUSTOMER, KINDS, PERSON, SYSTEM, TEAM, Redaction
from reviews.states import REVIEW_STATES, STUDY_STATES
from trains.models import Service, Team, Train

User = get_user_model()
MOST = 300
explain_constraint("case_study_checked_by_another", "Somebody else than its author publishes it.")


@action(
    "review.write_case_study",
    on=Review,
    requires="reviews.facilitate",
    machine=REVIEW_STATES,
    label="Write a case study",
    quiet=("text", "customers"),
)
def write_case_study(
    actor: Actor,
    review: Review,
    *,
    title: Annotated[str, Field("Title", max_length=200)],
    text: Annotated[
        str,
        Field("Text", help="Empty: from facts, causes, actions and decision.", long=True, max_length=50_000),
    ] = "",
    customers: Annotated[
        list[str] | None, Field("Customers", help="Names to take out, one a line.", long=True)
    ] = None,
) -> CaseStudy:
    """Draft what others may learn; people, teams, services, customers and contacts are taken out, to be looked at."""
    if not title.strip():
        refuse("required", "Give it a title.", field="title", status=422)
    source = text.strip() or story(review)
    known = [*_names(actor), *((name, CUSTOMER) for name in customers or [] if name.strip())]
    found = redaction.proposed(f"{title}\n{source}", known)[:MOST]
    cause = review.causes.filter(state=ReviewCause.State.SUPPORTED).first()
    return CaseStudy.objects.create(
        review=review,
        title=redaction.redacted(title.strip(), found)[:200],
        category=cause.category if cause else Category.UNKNOWN,
        source=source,
        redactions=[r.as_json() for r in found],
        body=redaction.redacted(source, found),
        written_by_id=actor.user_id,
    )


def story(review: Review) -> str:
    """The review as a text: what happened, why, what follows."""
    happened = [f"- {fact.sentence}" for fact in review.facts.order_by("at", "id")[:60]]
    why = [
        f"- {cause.get_category_display()}: {cause.statement}"
        for cause in review.causes.filter(state=ReviewCause.State.SUPPORTED)
    ]
    follows = [f"- {item.title}. {item.success_criteria}" for item in review.actions.all()]
    parts = [("What happened", happened), ("Why", why), ("What follows", follows)]
    whole = [f"{head}\n" + "\n".join(lines) for head, lines in parts if lines]
    return "\n\n".join([*whole, f"Decision\n{review.decision}", f"Rationale\n{review.rationale}"]).strip()


def _names(actor: Actor) -> list[tuple[str, str]]:
    """Every name of the organization that could be in the text."""
    people = User.objects.filter(memberships__organization_id=actor.organization_id)
    found = [(name, PERSON) for pair in people.values_list("name", "email") for name in pair if name]
    found += [(name, TEAM) for pair in Team.objects.values_list("name", "code") for name in pair if name]
    found += [(name, TEAM) for pair in Train.objects.values_list("name", "key") for name in pair if name]
    return found + [(name, SYSTEM) for name in Service.objects.values_list("name", flat=True)]


@action(
    "case_study.redact",
    on=CaseStudy,
    requires="reviews.facilitate",
    machine=STUDY_STATES,
    quiet=("text",),
    step_up=True,
)
def redact(
    actor: Actor,
    study: CaseStudy,
    *,
    text: Annotated[str, Field("Text", help="Taken out wherever it stands.", max_length=200)],
    kind: Annotated[str, Field("What it is", choices=[(k, k.capitalize()) for k in KINDS])],
    replacement: Annotated[str, Field("Instead", help="Empty: by what it is.", max_length=60)] = "",
) -> CaseStudy:
    """Take something more out of the text."""
    clean = " ".join(text.split())
    if len(clean) < 2:
        refuse("case_study.text", "Say what is taken out: at least two characters.", field="text", status=422)
    rows = [redaction.stored(r) for r in study.redactions if r["text"].casefold() != clean.casefold()]
    if len(rows) >= MOST:
        refuse("case_study.most", f"At most {MOST} redactions.", field="text", status=422)
    word = replacement.strip() or f"[{redaction.WORDS[kind]}]"
    if clean.casefold() in word.casefold():
        refuse("case_study.instead", "What stands instead still says it.", field="replacement", status=422)
    return _with(study, [*rows, Redaction(clean, kind, word)])


@action("case_study.keep", on=CaseStudy, requires="reviews.facilitate", machine=STUDY_STATES, quiet=("text",))
def keep(
    actor: Actor,
    study: CaseStudy,
    *,
    text: Annotated[str, Field("Text", help="One of the redactions.", max_length=200)],
    reason: Annotated[str, Field("Why it names nobody", max_length=300)],
) -> CaseStudy:
    """Leave a proposed redaction out: the word means nobody here."""
    rows = [redaction.stored(r) for r in study.redactions]
    chosen = next((r for r in rows if r.text.casefold() == " ".join(text.split()).casefold()), None)
    if chosen is None:
        refuse("case_study.unknown", "There is no such redaction.", field="text", status=422)
    assert chosen is not None
    kept = Redaction(chosen.text, chosen.kind, chosen.replacement, made=False)
    return _with(study, [kept if r is chosen else r for r in rows])


def _with(study: CaseStudy, rows: list[Redaction]) -> CaseStudy:
    study.redactions = [r.as_json() for r in rows]
    study.body = redaction.redacted(study.source, rows)
    study.title = redaction.redacted(study.title, rows)[:200]
    study.save()
    return study


@action(
    "case_study.publish",
    on=CaseStudy,
    requires="reviews.facilitate",
    machine=STUDY_STATES,
    confirm="Everybody in the organization can read it then.",
)
def publish(
    actor: Actor,
    study: CaseStudy,
    *,
    checked: Annotated[bool, Field("I have read the text and looked at every redaction")],
) -> CaseStudy:
    """Publish what a second person has looked at."""
    if not checked:
        refuse("case_study.unchecked", "Read the text and look at every redaction first.", field="checked")
    left = redaction.leaks(f"{study.title}\n{study.body}", [redaction.stored(r) for r in study.redactions])
    if left:
        refuse("case_study.leak", f"The text still says {left[0]}.", remedy="Take it out.")
    study.checked_by_id, study.published_at = actor.user_id, now()
    return study


@action("case_study.withdraw", on=CaseStudy, requires="reviews.facilitate", machine=STUDY_STATES, danger=True)
def withdraw(
    actor: Actor, study: CaseStudy, *, reason: Annotated[str, Field("Reason", long=True)]
) -> CaseStudy:
    """Take the case study back; only facilitators see it then."""
    return study


def _second_person(actor: Actor, study: Any, params: dict[str, Any]) -> Refusal | None:
    if study is None:
        return None
    if actor.user_id is None or actor.kind != "person":
        return Refusal("case_study.person", "A case study is published by a person.", status=403)
    if actor.user_id == study.written_by_id:
        return Refusal(
            "case_study.own",
            "You wrote it, so somebody else looks at the redactions and publishes it.",
            blocked_by=Ref.of(study),
            status=403,
        )
    return None


register_guard("case_study.publish", _second_person)
