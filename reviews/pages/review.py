"""The page of a review: facts first, then causes, then actions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest

from problems.models import Category
from problems.pages.parts import further_neighbours, verbs_by_weight, verbs_of_part
from releasetrain.interface import formats
from releasetrain.interface.links import url_of_ref
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref
from reviews.models import ActionItem, Review, ReviewCause, ReviewFact
from reviews.queries.analysis import analysis_of
from reviews.queries.archive import readable_records, readable_studies
from reviews.queries.calibration import predicted_of
from reviews.queries.measures import vanity
from reviews.queries.policies import policy_of
from reviews.rules import agenda, analysis
from reviews.rules.variance import TEST
from trains.models import Service

# The acts that lead on, by state.
_MAIN = {
    "facts": ("review.accept_facts", "review.add_fact"),
    "causes": ("review.add_cause", "review.agree_causes", "review.add_action"),
    "actions": ("review.close", "review.add_action"),
    "closed": (),
}
# What the page itself shows.
_SHOWN = {
    "improvements",
    "review-participants",
    "review-records",
    "case-studies",
    "teams",
    "releases",
    "deployments",
    "services",
    "review-rules",
    "review-facts",
    "review-causes",
    "action-items",
}
_STAGES = ("facts", "causes", "actions", "closed")
# The order in which the facts are read: what was meant, what happened, what it came to, what does not fit.
_MEASURED = (ReviewFact.Kind.MEASURE,)
_ICONS = {
    "plan": "cal",
    "approval": "gavel",
    "gate": "gate",
    "deployment": "rocket",
    "incident": "alert",
    "rollback": "undo",
    "measure": "chart",
    "gap": "warn",
    "added": "user",
}


# Acts that stand where they belong on the page, not under More.
_CLOCK = ("review.start_clock", "review.pause_clock", "review.next_box", "review.extend_box")
_MEETING = ("review.plan_meeting", "review.rotate")
_ROUNDS = ("review.comment", "review.open_round", "review.close_round")
_PEOPLE = ("review.name_owners", "review.invite")
_RECORD = ("review.answer", "review.add_record", "review.write_case_study")
_PLACED = {*_CLOCK, *_MEETING, *_ROUNDS, *_PEOPLE, *_RECORD}
_PROPOSING = "review_cause.propose_"


def review_page(request: HttpRequest, review: Review) -> dict[str, Any]:
    """What the page shows beyond the generic one."""
    at = now()
    actor = request.actor  # type: ignore[attr-defined]
    policy = policy_of(review)
    lines = [_line(fact) for fact in review.facts.select_related("added_by")]
    gaps = [x for x in lines if x["fact"].kind == ReviewFact.Kind.GAP]
    measures = [x for x in lines if x["fact"].kind in _MEASURED]
    verbs = verbs_by_weight(request, review, _MAIN[review.state])
    placed = {v["action"].verb: v for v in verbs["more_verbs"] if v["action"].verb in _PLACED}
    verbs["more_verbs"] = [v for v in verbs["more_verbs"] if v["action"].verb not in _PLACED]
    causes = list(review.causes.select_related("evidence", "author", "incident", "because_of"))
    open_now = review.state != Review.State.CLOSED
    return {
        **verbs,
        "neighbours": further_neighbours(request, review, _SHOWN),
        "steps": _steps(review),
        "timeline": [x for x in lines if x["fact"].kind not in (*_MEASURED, ReviewFact.Kind.GAP)],
        "variances": [x for x in measures if "word" in x["fact"].value],
        "adoption": [x for x in measures if x["fact"].value.get("adoption")],
        "measures": [
            x for x in measures if "word" not in x["fact"].value and not x["fact"].value.get("adoption")
        ],
        "test": TEST,
        "vanity": vanity([review.service_id, *review.also], policy),
        "gaps": [x for x in gaps if not x["fact"].value],
        "integrity": [x for x in gaps if x["fact"].value.get("integrity")],
        "lacks": [x for x in gaps if x["fact"].value.get("handoff")],
        **_analysis(request, review, causes),
        "actions": [
            _action(request, item, at.date())
            for item in review.actions.select_related("owner", "cause", "review")
        ],
        "improvements": list(review.improvements.select_related("owner")),
        "seats": _seats(request, review),
        "services": list(Service.objects.filter(pk__in=review.also)) if review.also else [],
        "predicted": predicted_of(review),
        **_meeting(review, at, placed),
        "rounds": list(reversed(review.rounds)),
        "round_verbs": _in_order(placed, _ROUNDS if open_now and _running(review) else _ROUNDS[1:2]),
        "people_verbs": _in_order(placed, _PEOPLE),
        "record_verbs": _in_order(placed, _RECORD),
        "sections": [
            {**section, "answer": review.answers.get(section["key"], "")}
            for section in policy.standard.sections
        ],
        "records": list(readable_records(actor).filter(review=review)),
        "studies": list(readable_studies(actor).filter(review=review)),
        "facts_open": review.state == Review.State.FACTS,
        "causes_locked": review.state == Review.State.FACTS,
        "actions_locked": review.state == Review.State.FACTS,
        "overdue": open_now and review.due_at < at,
        "escalated_url": url_of_ref(Ref(review.escalated_kind, review.escalated_id, ""))
        if review.escalated_id
        else "",
    }


def _in_order(placed: dict[str, dict[str, Any]], names: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {**placed[name], "css": "sm", "ident": name.replace(".", "-")} for name in names if name in placed
    ]


def _running(review: Review) -> bool:
    return any(each["closed_at"] is None for each in review.rounds)


def _meeting(review: Review, at: datetime, placed: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The agenda with what each box has used, the clock of the open one, and the acts that fit now."""
    boxes = [
        {
            **box,
            "minutes_used": round(agenda.used(box, review.ticking_since, at) / 60),
            "locked": box["state"] == agenda.PENDING
            and not agenda.may_begin(box, review.state != Review.State.FACTS),
        }
        for box in review.agenda
    ]
    number = agenda.current(review.agenda)
    box = review.agenda[number] if number is not None else None
    runs_out = (
        agenda.runs_out(box, review.ticking_since) if box is not None and review.ticking_since else None
    )
    left = int(box["minutes"]) * 60 - agenda.used(box, review.ticking_since, at) if box is not None else 0
    fitting = _MEETING if not review.ticking_since else ()
    if review.agenda and review.mode == Review.Mode.LIVE:
        fitting += (
            _CLOCK[1:]
            if review.ticking_since
            else _CLOCK[:1]
            if agenda.upcoming(review.agenda) is not None or box
            else ()
        )
    return {
        "boxes": boxes,
        "box": box,
        "runs_out": runs_out,
        "left": f"{'−' if left < 0 else ''}{abs(left) // 60:02d}:{abs(left) % 60:02d}",
        "moment": at,
        "meeting_verbs": _in_order(placed, fitting),
    }


def _seats(request: HttpRequest, review: Review) -> list[dict[str, Any]]:
    seats = review.participants.filter(left_at__isnull=True).select_related("user", "review__service")
    wanted = (
        ("review_participant.attend",)
        if review.state != Review.State.CLOSED
        else ("review_participant.acknowledge",)
    )
    found = []
    for seat in seats:
        done = seat.attended_at if review.state != Review.State.CLOSED else seat.acknowledged_at
        mine = review.state != Review.State.CLOSED or seat.user_id == request.actor.user_id  # type: ignore[attr-defined]
        verbs = [] if done or not mine else verbs_of_part(request, seat)
        found.append({"seat": seat, "verbs": [v for v in verbs if v["action"].verb in wanted]})
    return found


def _analysis(request: HttpRequest, review: Review, causes: list[ReviewCause]) -> dict[str, Any]:
    """Causes as whys below each other, and as a fishbone; both only where they are worth it, or used already."""
    offered = analysis_of(review)
    whys = analysis.flat(analysis.tree(causes))
    rows = []
    for why in whys:
        verbs = verbs_of_part(request, why.cause)
        supported = why.cause.state == ReviewCause.State.SUPPORTED
        rows.append(
            {
                "cause": why.cause,
                "depth": min(why.depth, analysis.MOST_WHYS),
                "verbs": [v for v in verbs if not v["action"].verb.startswith(_PROPOSING)],
                "proposing": [v for v in verbs if v["action"].verb.startswith(_PROPOSING)]
                if supported
                else [],
            }
        )
    nested = any(why.depth > 1 for why in whys)
    return {
        "causes": rows,
        "offer": offered,
        "bones": analysis.fishbone(causes, dict(Category.choices))
        if (offered.offered or nested) and causes
        else [],
    }


def _steps(review: Review) -> list[dict[str, str]]:
    here = _STAGES.index(review.state)
    labels = dict(Review.State.choices)
    accepted = (
        f"accepted {formats.short_day(review.facts_accepted_at)} {formats.clock(review.facts_accepted_at)} UTC"
        if review.facts_accepted_at
        else ""
    )
    notes = {
        "facts": accepted,
        "closed": f"due {formats.full_day(review.due_at)}" if review.closed_at is None else "",
    }
    return [
        {
            "label": labels[stage],
            "note": notes.get(stage, ""),
            "url": "",
            "state": "done" if i < here or review.state == "closed" else "cur" if i == here else "",
        }
        for i, stage in enumerate(_STAGES)
    ]


def _line(fact: ReviewFact) -> dict[str, Any]:
    link = fact.source_kind == "link"
    url = fact.source_id if link else url_of_ref(Ref(fact.source_kind, fact.source_id, fact.sentence))
    return {"fact": fact, "url": url, "outside": link, "icon": _ICONS.get(fact.kind, "list")}


def _action(request: HttpRequest, item: ActionItem, day: Any) -> dict[str, Any]:
    overdue = item.state == ActionItem.State.OPEN and item.due_on < day
    return {"item": item, "overdue": overdue, "verbs": verbs_of_part(request, item)}
