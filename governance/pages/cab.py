"""The change advisory board at work: agenda, the change in hand, the decision and the votes, on a desk or a phone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from governance.actions import changes
from governance.models import AgendaItem, Board, ChangeRequest, Evaluation, Meeting, Vote
from governance.queries import changes as queries
from governance.queries import verdicts
from governance.queries.collisions import meets, reach_of
from governance.queries.risk import past_of, similar_url
from governance.rules.differences import Difference, differences
from governance.rules.verdicts import worst_first
from releasetrain.accounts.models import User
from releasetrain.audit.doorway import actions, allowed_verbs, creators_of
from releasetrain.interface import step_up
from releasetrain.interface.links import page_root, url_for, verb_url
from releasetrain.interface.pages import page, redirect_to
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Decision, Ref, Refused


class DecisionForm(forms.Form):
    """One vote."""

    choice = forms.ChoiceField(choices=Vote.Choice.choices)
    rationale = forms.CharField(max_length=5_000)
    conditions = forms.CharField(required=False, max_length=5_000)
    revision = forms.IntegerField(min_value=1)
    on_behalf_of = forms.CharField(required=False, max_length=254)


_READ = ("release__train", "service__train", "environment", "board__escalates_to", "author", "model")

HINTS = {
    Vote.Choice.APPROVE: "As it stands, at this revision",
    Vote.Choice.CONDITIONS: "Each condition blocks the gate until it is met",
    Vote.Choice.REJECT: "The author can amend and ask again",
    Vote.Choice.ABSTAIN: "Counts towards the quorum only",
}


def decision_context(request: Any, change: ChangeRequest, form: DecisionForm | None = None) -> dict[str, Any]:
    """Everything needed to decide: facts, conflicts, readiness, plans, differences, votes, and whether this viewer may."""
    if form is None and (before := step_up.kept(request)) is not None:
        form = DecisionForm(before)
    user_id = request.actor.user_id
    votes = queries.votes_now(change)
    tally = queries.tally(change)
    seats = queries.seats(change)
    places = (
        queries.may_cast_for(change, user_id) if change.state == ChangeRequest.State.AWAITING_APPROVAL else []
    )
    mine = next((v for v in votes if user_id in (v.voter_id, v.cast_by_id)), None)
    decision = changes.vote.decide(request.actor, change)
    evaluation = _readiness(change)
    return {
        "change": change,
        "votes": votes,
        "tally": tally,
        "seats": seats,
        "mine": mine,
        "recused": next((s.why for s in seats if s.recused and s.member.user_id == user_id), "")
        if user_id not in queries.contributors(change)
        else "",
        "contributes": user_id in queries.contributors(change),
        "may_vote": bool(places) and decision.allowed,
        "places": list(User.objects.filter(pk__in=[p for p in places if p != user_id])),
        "own_seat": user_id in places,
        "choices": [(c.value, c.label, HINTS[c]) for c in Vote.Choice],
        "picked": request.GET.get("choice", ""),
        "form": form,
        "conditions": list(change.conditions.select_related("vote").order_by("created_at")),
        "evaluation": evaluation,
        "checks": sorted(evaluation.checks, key=lambda c: worst_first(c["verdict"])) if evaluation else [],
        "outdated": evaluation is not None and evaluation.is_settled and not verdicts.stands(evaluation),
        "met": meets(change),
        "reach": reach_of(change),
        "differences": _difference(change),
        "signature": queries.signature(change),
        "may_sign": _may(request.actor, change, "change.sign") if change.joint else None,
        "recuse": _recuse(request.actor, change, seats),
        "decisions": list(
            change.policy_decisions.select_related("policy", "board").order_by("-created_at")[:3]
        ),
        "assess": _may(request.actor, change, "change.assess"),
        "scope": list(change.release.items.filter(removed_at__isnull=True)) if change.release else [],
        "backlog_item": _backlog_item(change.backlog_item),
        "past": past_of(change)[0],
        "past_url": similar_url(change),
        "page_root": page_root(),
        "vote_url": f"/o/{request.organization.slug}/cab/{change.key}/vote/",
    }


def _backlog_item(content: dict[str, Any]) -> dict[str, Any]:
    """The approved item that the change was written for, with a link to what it is now."""
    if not content:
        return {}
    return content | {"link": Ref(content["record"], content["id"], f"{content['key']} {content['title']}")}


def _may(actor: Any, change: ChangeRequest, verb: str) -> Decision | None:
    """The decision about a verb where it is allowed now."""
    decision = actions()[verb].decide(actor, change)
    return decision if decision.allowed else None


def _recuse(actor: Any, change: ChangeRequest, seats: list[queries.Seat]) -> str:
    """Where this member recuses themself; empty where there is nothing to be recused from."""
    mine = next((s for s in seats if s.member.user_id == actor.user_id), None)
    if mine is None or mine.recused or mine.vote or not _may(actor, change, "change.recuse"):
        return ""
    return f"{url_for(change)}do/recuse"


def _readiness(change: ChangeRequest) -> Evaluation | None:
    """The newest evaluation of the release's gate."""
    if not change.release_id:
        return None
    return (
        Evaluation.objects.filter(release_id=change.release_id)
        .select_related("environment")
        .order_by("-requested_at")
        .first()
    )


def _difference(change: ChangeRequest) -> list[Difference]:
    """What is different from the revision that was decided before this one, field by field."""
    before = queries.revision_before(change)
    return differences(before, change.content) if before and before != change.content else []


def _desk(request: Any, reference: str) -> dict[str, Any]:
    """Board, meeting and agenda, with the change in hand."""
    boards = queries.boards_at_work(request.actor.user_id)
    wanted = request.GET.get("board", "")
    board = next((b for b in boards if str(b.pk) == wanted), None)
    change = None
    if reference:
        change = ChangeRequest.objects.filter(key=reference).select_related(*_READ).first()
        if change is None:
            raise Http404("No such change.")
        board = change.board
    # Somebody's own board comes before others, and within both the one that has something to decide.
    board = board or max(boards, key=lambda b: (b.own, b.waiting > 0), default=None)
    meeting = agenda = None
    items: dict[Any, AgendaItem] = {}
    if board is not None:
        open_meetings = Meeting.objects.filter(board=board).exclude(state=Meeting.State.CLOSED)
        meeting = open_meetings.order_by("-state", "starts_at").select_related("current", "chair").first()
        agenda, items = _agenda(board, meeting)
        if change is None and agenda:
            current = meeting.current.change_id if meeting and meeting.current else None
            first = next((c for c in agenda if c.pk == current), agenda[0])
            change = ChangeRequest.objects.select_related(*_READ).get(pk=first.pk)
    current_item = items.get(meeting.current.change_id) if meeting and meeting.current else None
    until = (
        meeting.current_since + timedelta(minutes=current_item.minutes)
        if meeting and current_item and meeting.current_since
        else None
    )
    return {
        "board": board,
        "boards": [
            {
                "label": str(b),
                "url": f"{page_root()}cab/?board={b.pk}",
                "current": b == board,
                "count": b.waiting,
            }
            for b in boards
        ],
        "meeting": meeting,
        "agenda": [(c, items.get(c.pk)) for c in agenda or []],
        "change": change,
        "current_item": current_item,
        "until": until,
        "minutes_left": sum(i.minutes for i in items.values() if i.finished_at is None),
        "present": meeting is not None
        and any(p["user"] == str(request.actor.user_id) for p in meeting.attendance),
        "moment": now(),
    }


def _agenda(board: Board, meeting: Meeting | None) -> tuple[list[ChangeRequest], dict[Any, AgendaItem]]:
    """The meeting's items in order, then whatever else awaits the board; with the items by change."""
    listed: list[ChangeRequest] = []
    boxes: dict[Any, AgendaItem] = {}
    if meeting is not None:
        items = meeting.agenda.select_related("change__release").order_by("position")
        boxes = {item.change_id: item for item in items}
        listed = [item.change for item in boxes.values()]
    waiting = ChangeRequest.objects.filter(
        board=board, state=ChangeRequest.State.AWAITING_APPROVAL
    ).select_related("release")
    return [*listed, *[c for c in waiting.order_by("window_starts", "key") if c not in listed]], boxes


@require_safe
def desk(request: Any, reference: str = "") -> HttpResponse:
    """The CAB page, for a meeting and for voting between meetings."""
    return _page(request, _desk(request, reference))


def _page(
    request: Any, context: dict[str, Any], form: DecisionForm | None = None, status: int = 200
) -> HttpResponse:
    change, meeting = context["change"], context["meeting"]
    if change is not None:
        context |= decision_context(request, change, form)
    verbs = allowed_verbs(request.actor, meeting) if meeting else {}
    create = next(a for a in creators_of(Meeting) if a.verb == "meeting.schedule")
    context |= {
        "section": "changes",
        "title": f"{context['board']}" if context["board"] else "Change advisory board",
        "crumbs": [("Changes", f"/o/{request.organization.slug}/changes/"), ("CAB", "")],
        "taps": [
            (tail, label, tail in ("open", "next"))
            for tail, label in TAPS.items()
            if f"meeting.{tail}" in verbs
            and verbs[f"meeting.{tail}"].allowed
            and not (tail == "attend" and context["present"])
            and not (tail == "more_time" and context["current_item"] is None)
            and not (tail == "next" and meeting.current_id is None)
        ],
        "forms": [
            (verbs[f"meeting.{tail}"], f"{url_for(meeting)}do/{tail}", label)
            for tail, label in (("take_note", "Note"), ("add_action", "Action item"))
            if f"meeting.{tail}" in verbs and verbs[f"meeting.{tail}"].allowed
        ],
        "schedule": (create.decide(request.actor), verb_url(create)),
        "minutes_url": f"/o/{request.organization.slug}/cab/minutes/{meeting.pk}/" if meeting else "",
        "cab_url": f"/o/{request.organization.slug}/cab/",
    }
    return page(request, "governance/cab.html", context, status=status)


@require_http_methods(["POST"])
def vote(request: Any, reference: str) -> HttpResponse:
    """Record this person's decision, or say beside the form why not."""
    context = _desk(request, reference)
    change = context["change"]
    form = DecisionForm(request.POST)
    if step_up.needed(request, changes.vote):
        return step_up.asked_first(request)
    if form.is_valid():
        given = form.cleaned_data
        try:
            with transaction.atomic():
                changed = changes.vote(
                    request.actor,
                    change,
                    choice=Vote.Choice(given["choice"]),
                    rationale=given["rationale"],
                    conditions=given["conditions"],
                    revision=given["revision"],
                    on_behalf_of=given["on_behalf_of"] or None,
                )
        except Refused as refused:
            for refusal in refused.refusals:
                said = " ".join(filter(None, (refusal.sentence, refusal.remedy)))
                form.add_error(refusal.field if refusal.field in form.fields else None, said)
            return _page(request, context, form, status=refused.status)
        messages.success(
            request,
            f"Your decision on {changed.key} is recorded. It is {changed.get_state_display().lower()}.",
        )
        return redirect_to(f"/o/{request.organization.slug}/cab/{changed.key}/")
    return _page(request, context, form, status=422)


# What the chair and members do with one tap; the rest of a meeting's verbs have forms.
TAPS = {
    "open": "Open meeting",
    "attend": "I am here",
    "more_time": "+2 min",
    "next": "Next item",
    "close": "Close meeting",
}


@require_http_methods(["POST"])
def meeting_act(request: Any, ref: Any, tail: str) -> HttpResponse:
    """One tap of the meeting: done, and back at the board."""
    meeting = Meeting.objects.filter(pk=ref).first()
    if meeting is None or tail not in TAPS:
        raise Http404("No such meeting.")
    try:
        with transaction.atomic():
            actions()[f"meeting.{tail}"](request.actor, meeting)
    except Refused as refused:
        for refusal in refused.refusals:
            messages.error(request, " ".join(filter(None, (refusal.sentence, refusal.remedy))))
    if tail == "close":
        return redirect_to(f"{page_root()}cab/minutes/{meeting.pk}/")
    return redirect_to(f"{page_root()}cab/?board={meeting.board_id}")
