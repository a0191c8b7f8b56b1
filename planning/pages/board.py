"""The program board: the page, its refreshable region, and moves with and without scripts."""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, JsonResponse
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from planning.actions.dependencies import create_dependency
from planning.actions.placement import place_feature, unplace_feature
from planning.models import Feature, FeatureKind
from planning.queries import increments
from planning.queries.board import SWIMLANES, Board, BoardFilter, board_version, load_board, themes_of
from planning.states import IN_PLAN, FeatureState
from releasetrain.interface.pages import conditional, page, redirect_to, wanted_fragment
from releasetrain.kernel.refusals import Refusal, Refused
from trains.models import Iteration, ProgramIncrement, Team

MANY_STRINGS = 40
MANY_CARDS = 150
LANES = (("team", "Teams"), ("theme", "Themes"), ("risk", "Risk"), ("dependency", "Dependencies"))
READY_SHOWN = 12


@require_safe
def home(request: Any) -> HttpResponse:
    """Go to the board of the Program Increment that was chosen, or to the current one."""
    found = increments.choosable()
    chosen = next((pi for pi in found if str(pi.pk) == request.GET.get("pi")), None)
    train = request.GET.get("train", "")
    if chosen is None:
        own = [pi for pi in found if pi.train.key == train] if train else found
        chosen = increments.current(own, increments.today_of(own[0].train)) if own else None
    if chosen is None:
        return page(request, "planning/no_board.html", {"title": "Program board", "section": "board"})
    return redirect_to(reverse("planning:board", args=[request.organization.slug, chosen.pk]))


@require_safe
def show(request: Any, pi: uuid.UUID) -> HttpResponse:
    """The board; its region alone for scripts, unchanged (304) when nothing moved."""
    increment = find_increment(pi)
    shown = filter_of(request)
    if wanted_fragment(request) == "board":
        version = version_of(request, increment, shown)
        return conditional(request, version, lambda: _render(request, increment, shown))
    return _render(request, increment, shown)


def version_of(request: Any, increment: ProgramIncrement, shown: BoardFilter) -> str:
    """What decides how the board looks to this person today."""
    today = increments.today_of(increment.train)
    return f"{board_version(increment)}{today}{shown}{request.actor.may('planning.plan', increment)}"


def find_increment(pi: uuid.UUID) -> ProgramIncrement:
    found = ProgramIncrement.objects.filter(pk=pi).select_related("train").first()
    if found is None:
        raise Http404("There is no such Program Increment.")
    return found


def filter_of(request: Any) -> BoardFilter:
    given = request.GET
    kind = given.get("kind", "")
    return BoardFilter(
        team=given.get("team", ""),
        kind=kind if kind in FeatureKind.values else "",
        theme=given.get("theme", ""),
        risk=given.get("risk") == "1",
        lanes=lanes if (lanes := given.get("lanes", "")) in SWIMLANES else "team",
    )


def _query(request: Any) -> str:
    """The filters of the address, without what asks for a region."""
    query = request.GET.copy()
    query.pop("fragment", None)
    return str(query.urlencode())


def board_context(request: Any, increment: ProgramIncrement, shown: BoardFilter) -> dict[str, Any]:
    """What every view of the board needs: on the page, as a list, on paper."""
    board = load_board(increment, increments.today_of(increment.train), shown)
    may_plan = request.actor.may("planning.plan", increment) and increment.state != "closed"
    return {
        "title": f"{increment} program board",
        "section": "board",
        "pi": increment,
        "board": board,
        "may_plan": may_plan,
        "may_edit": request.actor.may("planning.edit", increment),
        "shown": shown,
        "sprite": static("icons/icons.svg"),
        "root": f"/o/{request.organization.slug}/",
        "address": reverse("planning:board", args=[request.organization.slug, increment.pk]),
        "query": _query(request),
        "strings": json.dumps(board.strings),
        "mode": "risk" if len(board.edges) > MANY_STRINGS else "all",
        "dense": len(board.cards) > MANY_CARDS,
    }


def _render(request: Any, increment: ProgramIncrement, shown: BoardFilter) -> HttpResponse:
    context = board_context(request, increment, shown)
    if wanted_fragment(request) != "board":
        context |= {
            "crumbs": [
                (increment.train.name, f"/o/{request.organization.slug}/trains/{increment.train.key}/"),
                (str(increment), ""),
            ],
            "increments": increments.choosable(),
            "kinds": FeatureKind.choices,
            "themes": themes_of(increment),
            "lanes": LANES,
            "carried": _unfinished(increment),
            "ready": list(
                Feature.objects.filter(
                    train=increment.train_id, state=FeatureState.READY, iteration__isnull=True
                )
                .select_related("team")
                .order_by("-wsjf", "created_at")[:READY_SHOWN]
            ),
        }
    return page(request, "planning/board.html", context)


def _unfinished(increment: ProgramIncrement) -> list[Feature]:
    """What earlier increments of the train left unfinished, for this one to take over."""
    if increment.state == "closed":
        return []
    rows = Feature.objects.filter(
        train=increment.train_id,
        state__in=IN_PLAN,
        pi__starts__lt=increment.starts,
        pi__ends__lte=increment.starts,
    )
    return list(rows.select_related("team", "pi", "iteration").order_by("-wsjf", "created_at")[:50])


@require_http_methods(["GET", "HEAD", "POST"])
def move(request: Any, pi: uuid.UUID, ref: str) -> HttpResponse:
    """Move a feature with a form: the way without scripts, and from the list of ready features."""
    increment, feature = find_increment(pi), _feature(ref)
    if request.method != "POST":
        return _move_form(request, increment, feature, [])
    try:
        with transaction.atomic():
            _move(request, feature, request.POST.get("team", ""), request.POST.get("iteration", ""))
    except Refused as refused:
        return _move_form(request, increment, feature, refused.refusals, refused.status)
    feature.refresh_from_db()
    where = f"to {feature.team}, {feature.iteration}" if feature.iteration_id else "back to the backlog"
    messages.success(request, f"{feature} moved {where}.")
    back = "board_resolve" if request.POST.get("back") == "resolve" else "board"
    return _back(request, reverse(f"planning:{back}", args=[request.organization.slug, increment.pk]))


@require_POST
def moves(request: Any, pi: uuid.UUID) -> HttpResponse:
    """A move made by dragging or by keyboard: answers what changed, or why it was refused."""
    increment = find_increment(pi)
    sent = request.POST
    teams: set[Any] = set()
    try:
        with transaction.atomic():
            feature = _row(Feature, sent.get("card", ""), "card")
            teams.add(feature.team_id)
            _move(request, feature, sent.get("lane", ""), sent.get("iteration", ""))
    except Refused as refused:
        first = refused.refusals[0]
        said = {
            "code": first.code,
            "detail": first.sentence,
            "remedy": first.remedy,
            "status": refused.status,
        }
        return JsonResponse(said, status=refused.status, content_type="application/problem+json")
    board = load_board(increment, increments.today_of(increment.train), filter_of(request))
    card = board.cards.get(feature.pk)
    teams.add(card.team_id if card else None)
    return JsonResponse(_told(board, feature.pk, teams))


def _told(board: Board, moved: uuid.UUID, teams: set[Any]) -> dict[str, Any]:
    """The board after a move, as the script shows it before the region itself is fetched."""
    card = board.cards.get(moved)
    bad = sum(moved in (e.provider_id, e.consumer_id) for e in board.conflicts)
    sentence = ""
    if card:
        row, cell = next((row, c) for row in board.rows for c in row.cells if card in c.cards)
        conflicts = (
            f"{bad} dependency conflict{'s' if bad > 1 else ''}." if bad else "No dependency conflicts."
        )
        load = f" {cell.sentence}" if cell.over else ""
        sentence = f"{card.key} moved to {row.team.name}, {cell.iteration.name}. {conflicts}{load}"
    return {
        "row_version": card.version if card else None,
        "sentence": sentence,
        "cells": [
            {"lane": str(row.team.pk), "iteration": str(c.iteration.pk), "load": c.load, "capacity": c.limit}
            for row in board.rows
            if row.team.pk in teams
            for c in row.cells
            if c.limit is not None
        ],
        "edges": board.strings,
        "counts": {"bad": board.conflict_count, "warn": board.risk_count},
    }


def _move(request: Any, feature: Feature, team: str, iteration: str) -> None:
    version = _number(request.POST.get("row_version", ""))
    if not iteration:
        unplace_feature(request.actor, feature, row_version=version)
        return
    place_feature(
        request.actor,
        feature,
        iteration=_row(Iteration, iteration, "iteration"),
        team=_row(Team, team, "team") if team else None,
        row_version=version,
    )


def _row(model: Any, text: str, field: str) -> Any:
    try:
        found = model.objects.filter(pk=uuid.UUID(text)).first()
    except ValueError:
        found = None
    if found is None:
        noun = model._meta.verbose_name
        raise Refused(Refusal(f"{field}.absent", f"There is no such {noun}.", field=field, status=422))
    return found


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _feature(ref: str) -> Feature:
    found = Feature.objects.filter(key=ref).select_related("team", "iteration", "train").first()
    if found is None:
        raise Http404("There is no such feature.")
    return found


def _back(request: Any, url: str) -> HttpResponse:
    """303; a dialog is told by header, because it cannot see redirects."""
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=200, headers={"HX-Redirect": url})
    return redirect_to(url)


def _move_form(
    request: Any, increment: ProgramIncrement, feature: Feature, refusals: list[Refusal], status: int = 200
) -> HttpResponse:
    if request.method != "POST":
        refusals = place_feature.decide(request.actor, feature).refusals
    context = {
        "title": f"Move {feature}",
        "section": "board",
        "crumbs": [
            (str(increment), reverse("planning:board", args=[request.organization.slug, increment.pk])),
            ("Move", ""),
        ],
        "pi": increment,
        "feature": feature,
        "teams": Team.objects.filter(train=increment.train_id).order_by("name"),
        "iterations": increment.iterations.order_by("starts", "number"),
        "team": request.POST.get("team") or request.GET.get("team") or str(feature.team_id or ""),
        "iteration": request.POST.get("iteration")
        or request.GET.get("iteration")
        or str(feature.iteration_id or ""),
        "refusals": refusals,
        "blocked": bool(refusals) and request.method != "POST",
        "address": request.path,
        "back": reverse("planning:board", args=[request.organization.slug, increment.pk]),
    }
    return page(request, "planning/move.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def needs(request: Any, pi: uuid.UUID, ref: str) -> HttpResponse:
    """Say what a card needs from another card."""
    increment, feature = find_increment(pi), _feature(ref)
    back = reverse("planning:board", args=[request.organization.slug, increment.pk])
    refusals: list[Refusal] = []
    if request.method == "POST":
        try:
            with transaction.atomic():
                provider = _feature_or_refuse(request.POST.get("provider", ""))
                needed = request.POST.get("needed_in", "")
                create_dependency(
                    request.actor,
                    consumer=feature,
                    provider=provider,
                    what=request.POST.get("what", "")[:200],
                    needed_in=_row(Iteration, needed, "needed_in") if needed else None,
                )
        except Refused as refused:
            refusals = refused.refusals
        else:
            messages.success(request, f"{feature} needs {provider}. The provider's side accepts it.")
            return _back(request, back)
    else:
        refusals = create_dependency.decide(request.actor, None, {"consumer": feature}).refusals
    context = {
        "title": f"What {feature} needs",
        "section": "board",
        "crumbs": [(str(increment), back), ("Add dependency", "")],
        "feature": feature,
        "features": Feature.objects.filter(train=increment.train_id)
        .exclude(state__in=["cancelled"])
        .exclude(pk=feature.pk)
        .order_by("-pi_id", "key")[:1000],
        "iterations": increment.iterations.order_by("starts", "number"),
        "refusals": refusals,
        "blocked": bool(refusals) and request.method != "POST",
        "sent": request.POST,
        "address": request.path,
        "back": back,
    }
    status = refusals[0].status if refusals and request.method == "POST" else 200
    return page(request, "planning/needs.html", context, status=status)


def _feature_or_refuse(key: str) -> Feature:
    found = Feature.objects.filter(key=key).first()
    if found is None:
        raise Refused(
            Refusal("feature.absent", "Choose the feature that delivers it.", field="provider", status=422)
        )
    return found
