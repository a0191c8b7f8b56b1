"""The plan of a Program Increment on one page: objectives, load, confidence, findings, baseline."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from planning.actions.commitment import commit_increment
from planning.actions.confidence import cast_confidence_vote, close_round, open_round
from planning.actions.events import create_event
from planning.actions.objectives import create_objective
from planning.actions.plan_changes import create_plan_change
from planning.models import Objective, PlanChange, PlanningEvent
from planning.queries import increments
from planning.queries.board import load_board
from planning.queries.commitment import drift, findings
from planning.queries.confidence import confidence
from releasetrain.interface import links
from releasetrain.interface.pages import page

from .board import find_increment


@require_safe
def show(request: Any, pi: uuid.UUID) -> HttpResponse:
    """Everything that decides whether the plan can be committed, and what became of it afterwards."""
    increment = find_increment(pi)
    board = load_board(increment, increments.today_of(increment.train))
    objectives = list(
        Objective.objects.filter(pi=increment)
        .select_related("team")
        .order_by("team__name", "uncommitted", "created_at")
    )
    baseline = increments.latest_baseline(increment)
    open_ = increment.state in ("draft", "planning")
    vote = confidence(increment)
    actor = request.actor
    context = {
        "title": f"{increment} plan",
        "section": "board",
        "crumbs": [
            (increment.train.name, links.url_for(increment.train)),
            (str(increment), links.url_for(increment)),
            ("Plan", ""),
        ],
        "pi": increment,
        "board": board,
        "open": open_,
        "objectives": objectives,
        "predictability": increments.predictability(objectives),
        "findings": findings(board) if open_ else [],
        "vote": vote,
        "mine": next((v for v in vote.ballots if v.voter_id and v.voter_id == actor.user_id), None),
        "events": list(PlanningEvent.objects.filter(pi=increment).order_by("-created_at")),
        "changes": list(PlanChange.objects.filter(pi=increment).order_by("-created_at")[:20]),
        "open_vote": (
            open_round.decide(actor, None, {"pi": increment}),
            f"{links.verb_url(open_round)}?pi={increment.pk}",
        ),
        "close_vote": (close_round.decide(actor, vote.round), links.verb_url(close_round, vote.round))
        if vote.open
        else None,
        "new_event": (
            create_event.decide(actor, None, {"pi": increment}),
            f"{links.verb_url(create_event)}?pi={increment.pk}",
        ),
        "new_change": (
            create_plan_change.decide(actor, None, {"pi": increment}),
            f"{links.verb_url(create_plan_change)}?pi={increment.pk}",
        ),
        "root": links.page_root(),
        "baseline": baseline,
        "drift": drift(baseline, board) if baseline else [],
        "commit": (commit_increment.decide(actor, increment), links.verb_url(commit_increment, increment)),
        "new_objective": (
            create_objective.decide(actor, None, {}),
            f"{links.verb_url(create_objective)}?pi={increment.pk}",
        ),
        "cast": (
            cast_confidence_vote.decide(actor, None, {"pi": increment}),
            f"{links.verb_url(cast_confidence_vote)}?pi={increment.pk}",
        ),
        "board_url": reverse("planning:board", args=[request.organization.slug, increment.pk]),
        "capacity_url": f"{links.page_root()}capacities/do/set",
    }
    return page(request, "planning/plan.html", context)
