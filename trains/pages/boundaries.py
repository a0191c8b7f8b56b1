"""Train boundaries: what crosses trains and what it costs, today, as proposed, and after moves only thought of."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from releasetrain.interface import links
from releasetrain.interface.pages import page
from releasetrain.kernel.refusals import Refused
from trains.actions.couplings import create_coupling, import_couplings
from trains.models import Team, Train
from trains.queries.boundaries import NEW, Analysis, Move, analyse, read_moves

SHOWN = 60


@require_safe
def show(request: Any) -> HttpResponse:
    """The analysis, with the what-if of the query string. Reading it changes nothing."""
    problem = ""
    words = [*request.GET.getlist("move"), _chosen(request)]
    try:
        moves = read_moves(words)
    except Refused as refused:
        moves, problem = [], " ".join(r.sentence for r in refused.refusals)
    analysis = analyse(moves)
    everything = request.GET.get("all") == "1"
    crossings = [c for c in analysis.crossings if c.then or c.today or c.proposed]
    context = {
        "title": "Train boundaries",
        "section": "boundaries",
        "crumbs": [("Trains", f"{links.page_root()}trains/"), ("Boundaries", "")],
        "root": links.page_root(),
        "analysis": analysis,
        "dearest": analysis.dearest(),
        "crossings": crossings if everything else crossings[:SHOWN],
        "left_out": 0 if everything else max(0, len(crossings) - SHOWN),
        "problem": problem,
        "moves": [(move, _address(m for m in moves if m is not move)) for move in moves],
        "words": [move.word for move in moves],
        "saved": round(analysis.today.cost - analysis.then.cost, 1),
        "proposal_saves": round(analysis.today.cost - analysis.proposal.cost, 1),
        "as_proposed": _proposed_address(analysis),
        "all_url": _address(moves, ("all", "1")),
        "teams": list(Team.objects.select_related("train").order_by("name")),
        "trains": list(Train.objects.filter(archived_at__isnull=True).order_by("key")),
        "new": NEW,
        "create": (create_coupling.decide(request.actor), links.verb_url(create_coupling)),
        "load": (import_couplings.decide(request.actor), links.verb_url(import_couplings)),
    }
    return page(request, "trains/boundaries.html", context, status=422 if problem else 200)


def _chosen(request: Any) -> str:
    """The move that the form adds: a team and a train."""
    team, train = request.GET.get("team", ""), request.GET.get("to", "")
    return f"{team}:{train}" if team and train else ""


def _address(moves: Any, *more: tuple[str, str]) -> str:
    pairs = [*(("move", move.word) for move in moves), *more]
    return f"?{urlencode(pairs)}" if pairs else "?"


def _proposed_address(analysis: Analysis) -> str:
    """The what-if that draws the proposal, where it needs no more than one new train and few moves."""
    moves: list[Move] = analysis.proposed_moves
    fresh = {id(m.train) for m in moves if m.train is None}
    groups = sum(1 for g in analysis.proposal.groups if g.train is None)
    return _address(moves) if moves and len(moves) <= 20 and groups <= len(fresh) <= 1 else ""
