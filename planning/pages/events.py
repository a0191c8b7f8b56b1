"""The page of a planning event: its live part, the timer's buttons, and joining by link."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from planning.actions import confidence as voting
from planning.actions import events as actions
from planning.actions.commitment import commit_increment
from planning.actions.impediments import raise_impediment
from planning.actions.objectives import create_objective
from planning.actions.risks import create_risk
from planning.models import EventAttendee, Impediment, Objective, PlanningEvent, Risk
from planning.queries import events as queries
from planning.queries.confidence import confidence, has_voted
from planning.rules import agenda
from releasetrain.interface import links
from releasetrain.interface.pages import conditional, page, redirect_to
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from trains.models import Team

TIMER = {
    "start": actions.start_event,
    "next": actions.next_slot,
    "pause": actions.pause_timer,
    "resume": actions.resume_timer,
    "extend": actions.extend,
}


def find_event(key: str) -> PlanningEvent:
    found = PlanningEvent.objects.filter(key=key).select_related("pi__train", "current").first()
    if found is None:
        raise Http404("There is no such planning event.")
    return found


def event_page(request: Any, event: PlanningEvent) -> dict[str, Any]:
    """What the event's page needs; the live part is the same as the fragment's."""
    return live_context(request, find_event(event.key)) | {
        "edit": (actions.edit_event.decide(request.actor, event), links.verb_url(actions.edit_event, event)),
        "end": (actions.end_event.decide(request.actor, event), links.verb_url(actions.end_event, event)),
    }


@require_safe
def live(request: Any, ref: str) -> HttpResponse:
    """The part that everybody sees change; 304 while it stands. A timer that runs needs no new page: browsers count."""
    event = find_event(ref)
    may = request.actor.may(actions.FACILITATE, event)
    version = f"{queries.version_of(event)}{may}{timezone.get_current_timezone_name()}"
    return conditional(
        request, version, lambda: page(request, "planning/event.html", live_context(request, event))
    )


def live_context(request: Any, event: PlanningEvent) -> dict[str, Any]:
    actor, moment, pi = request.actor, now(), event.pi
    zones = queries.zones_of(event, timezone.get_current_timezone_name())
    vote = confidence(pi)
    slot = event.current
    left = runs_out = None
    if slot is not None:
        left = slot.box - agenda.seconds_used(slot.used, event.ticking_since, moment)
        if event.ticking_since is not None:
            runs_out = agenda.runs_out_at(slot.box, slot.used, event.ticking_since)
    objectives = list(Objective.objects.filter(pi=pi).select_related("team").order_by("team__name"))
    with_pi = f"?pi={pi.pk}"
    return {
        "object": event,
        "event": event,
        "pi": pi,
        "moment": moment,
        "slot": slot,
        "left": _clock(left),
        "late": left is not None and left < 0,
        "runs_out": runs_out,
        "zones": zones,
        "lines": queries.lines(event, zones, moment),
        "rooms": list(event.rooms.select_related("team")),
        "attendees": list(
            event.attendees.filter(left_at__isnull=True).select_related("user", "team").order_by("joined_at")
        ),
        "parking": list(event.parking.select_related("raised_by")),
        "risks": list(
            Risk.objects.filter(pi=pi).exclude(roam="resolved").select_related("owner").order_by("created_at")
        ),
        "impediments": list(
            Impediment.objects.filter(pi=pi, state__in=("raised", "working"))
            .select_related("team", "owner")
            .order_by("raised_at")
        ),
        "objectives": objectives,
        "vote": vote,
        "voted": has_voted(pi, actor.user_id),
        "facilitates": actor.may(actions.FACILITATE, event),
        "me": queries.attending(event, actor.user_id),
        "root": links.page_root(),
        "timer_url": reverse("planning:event_timer", args=[request.organization.slug, event.key]),
        "live_url": reverse("planning:event_live", args=[request.organization.slug, event.key]),
        "join_url": reverse("planning:event_join", args=[request.organization.slug, event.key, event.code]),
        "board_url": reverse("planning:board", args=[request.organization.slug, pi.pk]),
        "plan_url": reverse("planning:plan", args=[request.organization.slug, pi.pk]),
        "park": (
            actions.park.decide(actor, None, {"event": event}),
            f"{links.verb_url(actions.park)}?event={event.pk}",
        ),
        "add_risk": (
            create_risk.decide(actor, None, {"train": pi.train}),
            f"{links.verb_url(create_risk)}{with_pi}&train={pi.train_id}",
        ),
        "raise_impediment": (
            raise_impediment.decide(actor, None, {}),
            f"{links.verb_url(raise_impediment)}{with_pi}",
        ),
        "add_objective": (
            create_objective.decide(actor, None, {}),
            f"{links.verb_url(create_objective)}{with_pi}",
        ),
        "add_room": (
            actions.create_room.decide(actor, None, {"event": event}),
            f"{links.verb_url(actions.create_room)}?event={event.pk}",
        ),
        "open_vote": (
            voting.open_round.decide(actor, None, {"pi": pi}),
            f"{links.verb_url(voting.open_round)}{with_pi}",
        ),
        "close_vote": (
            voting.close_round.decide(actor, vote.round),
            links.verb_url(voting.close_round, vote.round),
        )
        if vote.open
        else None,
        "cast": (
            voting.cast_confidence_vote.decide(actor, None, {"pi": pi}),
            f"{links.verb_url(voting.cast_confidence_vote)}{with_pi}",
        ),
        "commit": (commit_increment.decide(actor, pi), links.verb_url(commit_increment, pi)),
    }


def _clock(seconds: int | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(abs(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
    return f"−{text}" if seconds < 0 else text


@require_POST
def timer(request: Any, ref: str) -> HttpResponse:
    """One of the timer's buttons."""
    event = find_event(ref)
    act = TIMER.get(request.POST.get("act", ""))
    if act is None:
        raise Http404("The timer has no such button.")
    try:
        with transaction.atomic():
            act(request.actor, event)
    except Refused as refused:
        first = refused.refusals[0]
        messages.error(request, " ".join(filter(None, (first.sentence, first.remedy))))
    return redirect_to(event)


@require_http_methods(["GET", "HEAD", "POST"])
def join(request: Any, ref: str, code: str) -> HttpResponse:
    """Where the link leads: say where you are and which team is yours, and take part."""
    event = find_event(ref)
    if code != event.code:
        raise Http404("This link does not lead anywhere any more.")
    refusals: list[Any] = []
    if request.method == "POST":
        presence = request.POST.get("presence", "")
        team = Team.objects.filter(train=event.pi.train_id, code=request.POST.get("team", "")).first()
        try:
            with transaction.atomic():
                actions.join_event(
                    request.actor,
                    event=event,
                    team=team,
                    presence=EventAttendee.Presence.ROOM
                    if presence == "room"
                    else EventAttendee.Presence.REMOTE,
                )
        except Refused as refused:
            refusals = refused.refusals
        else:
            return redirect_to(event)
    context = {
        "title": f"Join {event.title}",
        "section": "board",
        "crumbs": [(event.title, links.url_for(event)), ("Join", "")],
        "event": event,
        "teams": list(Team.objects.filter(train=event.pi.train_id).order_by("name")),
        "me": queries.attending(event, request.actor.user_id),
        "refusals": refusals,
        "address": request.path,
    }
    return page(request, "planning/event_join.html", context, status=refusals[0].status if refusals else 200)
