"""Verbs of the meeting: its hour, facilitator and agenda, the running clock, and comment rounds for those elsewhere."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from problems.queries.evidence import is_link
from releasetrain.audit.doorway import Actor, Field, Refusal, action, register_guard
from releasetrain.kernel.canonical import plain
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from reviews.models import Review, ReviewParticipant
from reviews.queries.policies import policy_of
from reviews.queries.rotation import next_facilitator, responsible_teams
from reviews.rules import agenda as boxes
from reviews.rules.rotation import next_slot, rotating_hour
from reviews.states import REVIEW_STATES

from .causes import refuse_names

MOST_COMMENTS, MOST_ROUNDS = 500, 20


@action("review.plan_meeting", on=Review, requires="reviews.facilitate", machine=REVIEW_STATES)
def plan_meeting(
    actor: Actor,
    review: Review,
    *,
    mode: Annotated[Review.Mode, Field("How")] = Review.Mode.LIVE,
    meets_at: Annotated[
        datetime | None, Field("When", help="Empty: the next of the rotating hours of the standard.")
    ] = None,
    meeting_link: Annotated[str, Field("Link", max_length=500)] = "",
) -> Review:
    """Set the hour, the way and the agenda of the meeting; without a facilitator the rotation names one."""
    if meets_at is not None and meets_at < now():
        refuse("review.past", "The hour has passed.", field="meets_at", status=422)
    if meeting_link and not is_link(meeting_link):
        refuse("review.link", "Give an https address.", field="meeting_link", status=422)
    standard = policy_of(review).standard
    if meets_at is None and mode == Review.Mode.LIVE:
        held = Review.objects.filter(service__train=review.service.train_id, meets_at__isnull=False)
        hour = rotating_hour(standard.hours, held.exclude(pk=review.pk).count())
        if hour is None:
            refuse(
                "review.hour",
                "Say when; the standard of reviews has no rotating hours.",
                field="meets_at",
                status=422,
            )
        meets_at = next_slot(now(), hour or 0)
    review.mode, review.meets_at, review.meeting_link = mode, meets_at, meeting_link.strip()
    if not any(box["used"] or box["state"] != boxes.PENDING for box in review.agenda):
        review.agenda = boxes.laid_out(standard.agenda)
    if review.facilitator_id is None:
        take_turn(review)
    review.save()
    return review


@action(
    "review.rotate", on=Review, requires="reviews.facilitate", machine=REVIEW_STATES, label="Next facilitator"
)
def rotate_facilitator(
    actor: Actor, review: Review, *, reason: Annotated[str, Field("Reason", max_length=300)] = ""
) -> Review:
    """Let the rotation name the facilitator: who did it least and longest ago, of no responsible team."""
    before = review.facilitator_id
    if not take_turn(review):
        refuse(
            "review.no_facilitator",
            "Nobody outside the responsible teams may facilitate reviews.",
            remedy="Grant reviews.facilitate to somebody of another team.",
        )
    if review.facilitator_id == before:
        refuse("review.facilitator_stays", f"It is the turn of {review.facilitator} already.")
    review.save()
    return review


def take_turn(review: Review) -> bool:
    chosen = next_facilitator(review)
    if chosen is None:
        return False
    review.facilitator_id = chosen.id
    review.host_team_id = min(chosen.teams, key=str, default=None)
    return True


def independent(actor: Actor, review: Any, params: dict[str, Any]) -> Refusal | None:
    """The facilitator comes from no responsible team."""
    person = params.get("facilitator")
    if review is None or person is None:
        return None
    from reviews.queries.rotation import candidates

    known = next((c for c in candidates(review) if c.id == person.pk), None)
    if known is not None and known.teams & responsible_teams(review):
        return Refusal(
            "review.own_team",
            f"{person} belongs to the responsible team.",
            remedy="Let the rotation name somebody of another team.",
            field="facilitator",
        )
    return None


register_guard("review.edit", independent)


# -- the clock


@action("review.start_clock", on=Review, requires="reviews.facilitate", machine=REVIEW_STATES)
def start_clock(actor: Actor, review: Review) -> Review:
    """Start the clock of the current time box, or of the first one."""
    if review.ticking_since:
        refuse("review.clock_runs", "The clock runs already.")
    if not review.agenda:
        review.agenda = boxes.laid_out(policy_of(review).standard.agenda)
    if boxes.current(review.agenda) is None:
        _begin(review, boxes.upcoming(review.agenda))
    review.ticking_since = now()
    review.save()
    return review


@action("review.pause_clock", on=Review, requires="reviews.facilitate", machine=REVIEW_STATES)
def pause_clock(actor: Actor, review: Review) -> Review:
    """Stop the clock; the box keeps what it has used."""
    _ticking(review)
    review.agenda = boxes.paused(review.agenda, review.ticking_since, now())
    review.ticking_since = None
    review.save()
    return review


@action(
    "review.next_box", on=Review, requires="reviews.facilitate", machine=REVIEW_STATES, label="Next time box"
)
def next_box(actor: Actor, review: Review) -> Review:
    """Close the time box and begin the next one; boxes about causes wait for the facts."""
    if boxes.current(review.agenda) is None:
        refuse("review.no_box", "No time box is open.", remedy="Start the clock.")
    following = boxes.upcoming(review.agenda)
    if following is None:
        review.agenda = boxes.moved_on(review.agenda, review.ticking_since, now(), None)
        review.ticking_since = None
    else:
        _begin(review, following)
        review.ticking_since = now()
    review.save()
    return review


def _begin(review: Review, number: int | None) -> None:
    if number is None:
        refuse("review.agenda_done", "Every time box is done.")
    assert number is not None
    box = review.agenda[number]
    if not boxes.may_begin(box, review.state != Review.State.FACTS):
        refuse(
            "review.facts_first",
            f"“{box['title']}” is about {box['phase']}; the facts are not accepted yet.",
            remedy="Accept the facts first.",
        )
    review.agenda = boxes.moved_on(review.agenda, review.ticking_since, now(), number)


@action("review.extend_box", on=Review, requires="reviews.facilitate", machine=REVIEW_STATES)
def extend_box(
    actor: Actor,
    review: Review,
    *,
    minutes: Annotated[int, Field("Minutes more", min=1, max=60)],
    reason: Annotated[str, Field("Reason", max_length=300)] = "",
) -> Review:
    """Give the open time box more minutes."""
    number = boxes.current(review.agenda)
    if number is None:
        refuse("review.no_box", "No time box is open.", remedy="Start the clock.")
    review.agenda = [
        {**box, "minutes": min(480, box["minutes"] + minutes)} if n == number else box
        for n, box in enumerate(review.agenda)
    ]
    review.save()
    return review


def _ticking(review: Review) -> None:
    if review.ticking_since is None:
        refuse("review.clock_stands", "The clock does not run.")


# -- comment rounds


@action(
    "review.open_round",
    on=Review,
    requires="reviews.facilitate",
    machine=REVIEW_STATES,
    label="Open a comment round",
)
def open_round(
    actor: Actor,
    review: Review,
    *,
    question: Annotated[str, Field("Question", max_length=300)],
    hours: Annotated[
        int, Field("Open for hours", help="24 reach every time zone once.", min=1, max=336)
    ] = 48,
) -> Review:
    """Ask for written comments, so that nobody has to meet at night."""
    if not question.strip():
        refuse("required", "Say what the round is about.", field="question", status=422)
    running = _running(review)
    if running is not None:
        refuse(
            "review.round_open",
            f"Round {running['number']} is open until {running['closes_at']}.",
            remedy="Close it first.",
        )
    if len(review.rounds) >= MOST_ROUNDS:
        refuse("review.rounds", f"A review has at most {MOST_ROUNDS} rounds.")
    phase = "facts" if review.state == Review.State.FACTS else str(review.state)
    review.rounds = [
        *review.rounds,
        {
            "number": len(review.rounds) + 1,
            "phase": phase,
            "question": question.strip(),
            "opened_at": plain(now()),
            "closes_at": plain(now() + timedelta(hours=hours)),
            "closed_at": None,
            "summary": "",
            "comments": [],
        },
    ]
    review.save()
    return review


@action("review.comment", on=Review, requires="reviews.contribute", machine=REVIEW_STATES)
def comment(
    actor: Actor, review: Review, *, text: Annotated[str, Field("Comment", long=True, max_length=5_000)]
) -> Review:
    """Write a comment in the round that is open; whoever writes has taken part."""
    if not text.strip():
        refuse("required", "Write something.", field="text", status=422)
    running = _running(review)
    if running is None or datetime.fromisoformat(running["closes_at"]) <= now():
        refuse("review.no_round", "No comment round is open.", remedy="Ask the facilitator to open one.")
    assert running is not None
    refuse_names(actor, text, "text")
    if len(running["comments"]) >= MOST_COMMENTS:
        refuse("review.comments", f"A round takes at most {MOST_COMMENTS} comments.")
    said = {"by": actor.name, "user": str(actor.user_id or ""), "at": plain(now()), "text": text.strip()}
    review.rounds = [
        {**each, "comments": [*each["comments"], said]} if each is running else each for each in review.rounds
    ]
    review.save()
    for seat in ReviewParticipant.objects.filter(
        review=review, user=actor.user_id, left_at__isnull=True, attended_at__isnull=True
    ):
        seat.attended_at = now()
        seat.save()
    return review


@action("review.close_round", on=Review, requires="reviews.facilitate", machine=REVIEW_STATES)
def close_round(
    actor: Actor,
    review: Review,
    *,
    summary: Annotated[str, Field("What came of it", long=True, max_length=5_000)],
) -> Review:
    """Close the comment round with what came of it."""
    if not summary.strip():
        refuse("required", "Say what came of it.", field="summary", status=422)
    running = _running(review)
    if running is None:
        refuse("review.no_round", "No comment round is open.")
    review.rounds = [
        {**each, "closed_at": plain(now()), "summary": summary.strip()} if each is running else each
        for each in review.rounds
    ]
    review.save()
    return review


def _running(review: Review) -> dict[str, Any] | None:
    """The round that nobody has closed yet."""
    return next((each for each in review.rounds if each["closed_at"] is None), None)


def _round_closed(actor: Actor, review: Any, params: dict[str, Any]) -> Refusal | None:
    running = _running(review) if review is not None else None
    if running is None:
        return None
    return Refusal(
        "review.round_open",
        f"Round {running['number']} is not closed: {running['question']}",
        remedy="Close it with what came of it.",
    )


register_guard("review.close", _round_closed)
