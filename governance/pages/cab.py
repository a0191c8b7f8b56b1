"""The change advisory board at work: agenda, the change in hand, the decision and the votes, on a desk or a phone."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from governance.actions import changes
from governance.models import Board, ChangeRequest, Evaluation, Meeting, Vote
from governance.queries import changes as queries
from governance.queries import verdicts
from governance.rules.verdicts import worst_first
from releasetrain.accounts.models import User
from releasetrain.audit.doorway import allowed_verbs, creators_of
from releasetrain.interface.links import url_for, verb_url
from releasetrain.interface.pages import page, redirect_to
from releasetrain.kernel.refusals import Refused
from trains.queries.freezes import freezes_overlapping


class DecisionForm(forms.Form):
    """One vote."""

    choice = forms.ChoiceField(choices=Vote.Choice.choices)
    rationale = forms.CharField(max_length=5_000)
    conditions = forms.CharField(required=False, max_length=5_000)
    revision = forms.IntegerField(min_value=1)
    on_behalf_of = forms.CharField(required=False, max_length=254)


HINTS = {
    Vote.Choice.APPROVE: "As it stands, at this revision",
    Vote.Choice.CONDITIONS: "Each condition blocks the gate until it is met",
    Vote.Choice.REJECT: "The author can amend and ask again",
    Vote.Choice.ABSTAIN: "Counts towards the quorum only",
}


def decision_context(request: Any, change: ChangeRequest, form: DecisionForm | None = None) -> dict[str, Any]:
    """Everything needed to decide: facts, conflicts, readiness, plans, differences, votes, and whether this viewer may."""
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
        "conflicts": conflicts(change),
        "before": _difference(change),
        "scope": list(change.release.items.filter(removed_at__isnull=True)) if change.release else [],
        "past": _past(change),
        "vote_url": f"/o/{request.organization.slug}/cab/{change.key}/vote/",
    }


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


def conflicts(change: ChangeRequest) -> list[dict[str, Any]]:
    """Freezes and other open changes that share a moment with the window, for the same train or service."""
    if change.window_starts is None or change.window_ends is None:
        return []
    train = change.release.train if change.release else change.service.train if change.service else None
    found: list[dict[str, Any]] = [
        {"sentence": f"Inside the freeze {freeze.name}", "object": freeze, "tone": "hold"}
        for freeze in freezes_overlapping(change.window_starts, change.window_ends, train)
    ]
    others = (
        ChangeRequest.objects.filter(
            window_starts__lt=change.window_ends, window_ends__gt=change.window_starts
        )
        .exclude(pk=change.pk)
        .exclude(state__in=["cancelled", "rejected", "closed", "completed"])
        .select_related("release__train", "service")
    )
    for other in others:
        theirs = (
            other.release.train_id if other.release else other.service.train_id if other.service else None
        )
        same_service = change.service_id and other.service_id == change.service_id
        if same_service or (train is not None and theirs == train.pk):
            found.append({"sentence": f"Overlaps {other.key}", "object": other, "tone": "bad"})
    return found


def _difference(change: ChangeRequest) -> dict[str, Any] | None:
    """The content before this revision, when there was one."""
    before = queries.revision_before(change)
    return {"old": before, "new": change.content} if before and before != change.content else None


def _past(change: ChangeRequest) -> dict[str, Any]:
    """How earlier changes of the same train or service ended."""
    rows = ChangeRequest.objects.exclude(outcome="").exclude(pk=change.pk)
    if change.release is not None:
        rows = rows.filter(release__train_id=change.release.train_id)
    elif change.service_id:
        rows = rows.filter(service_id=change.service_id)
    outcomes = list(rows.values_list("outcome", flat=True)[:200])
    return {"total": len(outcomes), "failed": sum(o != ChangeRequest.Outcome.SUCCESSFUL for o in outcomes)}


def _desk(request: Any, reference: str) -> dict[str, Any]:
    """Board, meeting and agenda, with the change in hand."""
    boards = list(Board.objects.order_by("name"))
    wanted = request.GET.get("board", "")
    board = next((b for b in boards if str(b.pk) == wanted), None)
    change = None
    if reference:
        change = (
            ChangeRequest.objects.filter(key=reference)
            .select_related("release__train", "service__train", "board", "author")
            .first()
        )
        if change is None:
            raise Http404("No such change.")
        board = change.board
    board = board or next(
        (
            b
            for b in boards
            if b.members.filter(user_id=request.actor.user_id, removed_at__isnull=True).exists()
        ),
        None,
    )
    board = board or (boards[0] if boards else None)
    meeting = agenda = None
    if board is not None:
        open_meetings = Meeting.objects.filter(board=board).exclude(state=Meeting.State.CLOSED)
        meeting = open_meetings.order_by("-state", "starts_at").select_related("current", "chair").first()
        agenda = _agenda(board, meeting)
        if change is None and agenda:
            current = meeting.current.change_id if meeting and meeting.current else None
            change = next((c for c in agenda if c.pk == current), agenda[0])
    return {"boards": boards, "board": board, "meeting": meeting, "agenda": agenda or [], "change": change}


def _agenda(board: Board, meeting: Meeting | None) -> list[ChangeRequest]:
    """The meeting's items in order, then whatever else awaits the board."""
    listed: list[ChangeRequest] = []
    if meeting is not None:
        items = meeting.agenda.select_related("change__release").order_by("position")
        listed = [item.change for item in items]
    waiting = ChangeRequest.objects.filter(
        board=board, state=ChangeRequest.State.AWAITING_APPROVAL
    ).select_related("release")
    return [*listed, *[c for c in waiting.order_by("window_starts", "key") if c not in listed]]


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
        "verbs": [
            (d, f"{url_for(meeting)}do/{v.split('.')[1]}", v.split(".")[1])
            for v, d in verbs.items()
            if d.allowed
        ],
        "schedule": (create.decide(request.actor), verb_url(create)),
        "cab_url": f"/o/{request.organization.slug}/cab/",
    }
    return page(request, "governance/cab.html", context, status=status)


@require_http_methods(["POST"])
def vote(request: Any, reference: str) -> HttpResponse:
    """Record this person's decision, or say beside the form why not."""
    context = _desk(request, reference)
    change = context["change"]
    form = DecisionForm(request.POST)
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
