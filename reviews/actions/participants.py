"""Verbs of taking part: the shared owners, who attended, and who acknowledged what came of it."""

from __future__ import annotations

from typing import Annotated, Any

from django.contrib.auth import get_user_model

from releasetrain.accounts.catalogue import Role
from releasetrain.audit.doorway import Actor, Field, Refusal, action, explain_constraint, register_guard
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref, refuse
from reviews.models import Depth, Review, ReviewParticipant
from reviews.models.participant import OWNING_PARTS, Attendance, Part
from reviews.queries.owners import people_in_roles
from reviews.queries.policies import policy_of
from reviews.queries.taking_part import unacknowledged
from reviews.states import REVIEW_STATES

User = get_user_model()
explain_constraint("review_participant_once", "They take part already.")
explain_constraint("review_accountable_once", "Somebody else is accountable already.")
explain_constraint(
    "review_accountable_is_an_owner",
    "Accountable is one of the owners: release manager, operations lead or product stakeholder.",
)

# Who usually speaks for a part.
ROLES_OF: dict[str, tuple[Role, ...]] = {
    Part.RELEASE: (Role.RELEASE_MANAGER, Role.RTE),
    Part.OPERATIONS: (Role.PROBLEM_MANAGER, Role.TECHNICAL_LEAD),
    Part.PRODUCT: (Role.PRODUCT_MANAGER, Role.BUSINESS_OWNER),
    Part.DEVELOPMENT: (Role.TECHNICAL_LEAD, Role.TEAM_MEMBER),
    Part.QUALITY: (Role.QUALITY_OWNER,),
    Part.SECURITY: (Role.COMPLIANCE_OFFICER,),
}


@action("review.invite", on=Review, requires="reviews.facilitate", machine=REVIEW_STATES)
def invite(
    actor: Actor,
    review: Review,
    *,
    user: Annotated[User, Field("Who")],  # type: ignore[valid-type]
    part: Annotated[Part, Field("Speaks for")],
    attendance: Annotated[
        Attendance | None, Field("Attendance", help="Empty: as the standard says for the tier.")
    ] = None,
    accountable: Annotated[bool, Field("Accountable", help="One of the three owners is.")] = False,
) -> ReviewParticipant:
    """Let somebody take part. Release manager, operations lead and product stakeholder own the review together."""
    usual = policy_of(review).standard.parts(review.service.tier).get(part, Attendance.OPTIONAL)
    seat = ReviewParticipant.objects.filter(review=review, user=user, left_at__isnull=True).first()
    if seat is not None:
        refuse("review.takes_part", f"{seat} takes part already.", field="user", blocked_by=Ref.of(review))
    return ReviewParticipant.objects.create(
        review=review, user=user, part=part, attendance=attendance or usual, accountable=accountable
    )


@action("review.name_owners", on=Review, requires="reviews.facilitate", machine=REVIEW_STATES)
def name_owners(actor: Actor, review: Review) -> Review:
    """Name who takes part, as the standard says for the tier; who takes part already stays."""
    seat_people(review)
    return review


def seat_people(review: Review) -> None:
    """One person for each part of the standard that nobody speaks for yet; the first owner is accountable."""
    parts = policy_of(review).standard.parts(review.service.tier)
    seats = list(review.participants.filter(left_at__isnull=True))
    taken = {seat.user_id for seat in seats}
    filled = {seat.part for seat in seats}
    accountable = any(seat.accountable for seat in seats)
    for part, attendance in parts.items():
        if part in filled or part not in ROLES_OF:
            continue
        chosen = None
        for role in ROLES_OF[part]:
            chosen = people_in_roles([role], review).exclude(pk__in=taken).first()
            if chosen is not None:
                break
        if chosen is None:
            continue
        owner = part in OWNING_PARTS
        ReviewParticipant.objects.create(
            review=review,
            user=chosen,
            part=part,
            attendance=attendance,
            accountable=owner and not accountable,
        )
        accountable = accountable or owner
        taken.add(chosen.pk)


@action("review_participant.attend", on=ReviewParticipant, requires="reviews.contribute", label="Took part")
def attend(actor: Actor, seat: ReviewParticipant) -> ReviewParticipant:
    """Say that they took part: each for themselves, or the facilitator for all."""
    _sits(seat)
    if actor.user_id != seat.user_id and not actor.may("reviews.facilitate", seat):
        refuse("review_participant.other", "The facilitator notes who took part.", status=403)
    if seat.attended_at:
        refuse("review_participant.attended", f"{seat} is noted already.")
    if seat.review.state == Review.State.CLOSED:
        refuse("review.closed", f"{seat.review.key} is closed.", blocked_by=Ref.of(seat.review))
    seat.attended_at = now()
    seat.save()
    return seat


def _sits(seat: ReviewParticipant) -> None:
    if seat.left_at:
        refuse("review_participant.left", f"{seat} takes no part any more.")


@action("review_participant.make_accountable", on=ReviewParticipant, requires="reviews.facilitate")
def make_accountable(actor: Actor, seat: ReviewParticipant) -> ReviewParticipant:
    """Make this owner the accountable one."""
    _sits(seat)
    if seat.part not in OWNING_PARTS:
        refuse("review_participant.no_owner", "Accountable is one of the three owners.", field="part")
    for other in ReviewParticipant.objects.filter(
        review=seat.review_id, accountable=True, left_at__isnull=True
    ).exclude(pk=seat.pk):
        other.accountable = False
        other.save()
    seat.accountable = True
    seat.save()
    return seat


@action("review_participant.leave", on=ReviewParticipant, requires="reviews.facilitate", danger=True)
def leave(
    actor: Actor, seat: ReviewParticipant, *, reason: Annotated[str, Field("Reason", max_length=300)]
) -> ReviewParticipant:
    """Let somebody take part no longer."""
    _sits(seat)
    if seat.review.state == Review.State.CLOSED:
        refuse("review.closed", f"{seat.review.key} is closed.", blocked_by=Ref.of(seat.review))
    seat.left_at, seat.accountable = now(), False
    seat.save()
    return seat


@action("review_participant.acknowledge", on=ReviewParticipant, requires="reviews.contribute")
def acknowledge(
    actor: Actor,
    seat: ReviewParticipant,
    *,
    acknowledgement: Annotated[str, Field("What follows for the next phase", long=True, max_length=2_000)],
) -> ReviewParticipant:
    """Acknowledge what the review came to. Product does so before features of the next phase are approved."""
    _sits(seat)
    if actor.user_id != seat.user_id:
        refuse("review_participant.other", f"Only {seat.user} can acknowledge it.", status=403)
    if seat.review.state != Review.State.CLOSED:
        refuse("review.not_closed", f"{seat.review.key} is not closed yet.", blocked_by=Ref.of(seat.review))
    if seat.acknowledged_at:
        refuse("review_participant.acknowledged", "You have acknowledged it already.")
    if not acknowledgement.strip():
        refuse("required", "Say what follows from it.", field="acknowledgement", status=422)
    seat.acknowledged_at, seat.acknowledgement = now(), acknowledgement.strip()
    seat.save()
    return seat


# -- what closing a review takes, and what waits for product


def _held_by_its_people(actor: Actor, review: Any, params: dict[str, Any]) -> Refusal | None:
    """A detailed review under a standard closes with its owners, one accountable, and its quorum."""
    if review is None or review.depth != Depth.DETAILED:
        return None
    found = policy_of(review)
    if not found.rows:
        return None
    seats = list(review.participants.filter(left_at__isnull=True).select_related("user"))
    parts = found.standard.parts(review.service.tier)
    missing = [
        str(Part(part).label).lower()
        for part, attendance in parts.items()
        if attendance == Attendance.REQUIRED and part not in {s.part for s in seats}
    ]
    if missing:
        return Refusal(
            "review.nobody_for",
            f"Nobody speaks for: {', '.join(missing)}.",
            remedy="Invite them, or name the owners as the standard says.",
        )
    if parts and not any(seat.accountable for seat in seats):
        return Refusal(
            "review.nobody_accountable", "Nobody is accountable.", remedy="Make one owner accountable."
        )
    required = [seat for seat in seats if seat.attendance == Attendance.REQUIRED]
    there = sum(seat.attended_at is not None for seat in required)
    if required and there * 100 < found.standard.quorum * len(required):
        absent = ", ".join(str(seat) for seat in required if seat.attended_at is None)
        return Refusal(
            "review.quorum",
            f"{there} of {len(required)} required people took part; {found.standard.quorum} % are needed.",
            remedy=f"Note who took part, or hear {absent} in a comment round.",
        )
    return None


def _record_complete(actor: Actor, review: Any, params: dict[str, Any]) -> Refusal | None:
    """What the standard requires of the record is answered."""
    if review is None or review.depth != Depth.DETAILED:
        return None
    found = policy_of(review)
    open_ = [
        str(s["title"])
        for s in found.standard.sections
        if s.get("required") and not str(review.answers.get(s["key"], "")).strip()
    ]
    if not found.rows or not open_:
        return None
    return Refusal(
        "review.unanswered",
        f"The record does not answer yet: {'; '.join(open_)}.",
        remedy="Answer it, if only with: nothing.",
    )


register_guard("review.close", _held_by_its_people)
register_guard("review.close", _record_complete)


@action(
    "review.answer", on=Review, requires="reviews.contribute", machine=REVIEW_STATES, label="Answer a section"
)
def answer(
    actor: Actor,
    review: Review,
    *,
    section: Annotated[str, Field("Section", help="Its key.", max_length=40)],
    text: Annotated[str, Field("Answer", long=True, max_length=10_000)],
) -> Review:
    """Answer a section of the record, of the standard or of what the train added to it."""
    sections = {s["key"]: s for s in policy_of(review).standard.sections}
    if section not in sections:
        refuse(
            "review.section",
            f"The record has no section {section[:40]}.",
            remedy=f"Its sections: {', '.join(sections) or 'none'}.",
            field="section",
            status=422,
        )
    review.answers = {**review.answers, section: text.strip()}
    review.save()
    return review


def product_first(actor: Actor, feature: Any, params: dict[str, Any]) -> Refusal | None:
    """Features of the next phase are approved once product has acknowledged the reviews of what went before."""
    if feature is None:
        return None
    waiting = unacknowledged(feature.train_id)
    if waiting is None:
        return None
    return Refusal(
        "review.unacknowledged",
        f"{waiting.user} has not acknowledged what {waiting.review.key} came to.",
        remedy="Product acknowledges the review first.",
        blocked_by=Ref.of(waiting.review),
    )


for _verb in ("feature.endorse", "feature.add_to_release"):
    register_guard(_verb, product_first)
