"""The board in other forms: as a list, on A3 paper, and its conflicts one by one with ways out."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from planning.queries import increments
from planning.queries.board import BoardFilter
from planning.queries.resolving import ways_out_of
from releasetrain.interface.pages import conditional, page, wanted_fragment
from releasetrain.kernel.clock import now

from .board import board_context, filter_of, find_increment, version_of


def _crumbs(context: dict[str, Any], last: str) -> list[tuple[str, str]]:
    pi = context["pi"]
    return [
        (pi.train.name, f"{context['root']}trains/{pi.train.key}/"),
        (str(pi), context["address"]),
        (last, ""),
    ]


@require_safe
def as_list(request: Any, pi: uuid.UUID) -> HttpResponse:
    """Every card of the board as a row of a table, live like the board."""
    increment, shown = find_increment(pi), filter_of(request)

    def render() -> HttpResponse:
        context = board_context(request, increment, shown)
        board = context["board"]
        number = {column.iteration.pk: n for n, column in enumerate(board.columns)}
        cards = sorted(
            (card for card in board.cards.values() if card.shown),
            key=lambda card: (number.get(card.iteration_id, 99), card.team, card.key),
        )
        edges: dict[str, list[Any]] = {}
        for edge in board.edges:
            edges.setdefault(edge.consumer, []).append(edge)
        context |= {
            "title": f"{increment} as a list",
            "crumbs": _crumbs(context, "List"),
            "listed": [
                (card, board.columns[number[card.iteration_id]].iteration.name, edges.get(card.key, []))
                for card in cards
                if card.iteration_id in number
            ],
        }
        return page(request, "planning/board_list.html", context)

    if wanted_fragment(request) == "board_list":
        return conditional(request, version_of(request, increment, shown), render)
    return render()


@require_safe
def on_paper(request: Any, pi: uuid.UUID) -> HttpResponse:
    """The board on one A3 sheet, landscape: the script fits it to the page and draws the strings there."""
    increment = find_increment(pi)
    context = board_context(request, increment, filter_of(request))
    context |= {"title": f"{increment} program board on paper", "may_plan": False, "now": now()}
    return page(request, "planning/board_print.html", context)


@require_safe
def resolve(request: Any, pi: uuid.UUID) -> HttpResponse:
    """Each conflict with up to three computed moves and what they would do; the person decides."""
    increment = find_increment(pi)
    context = board_context(request, increment, BoardFilter())
    context |= {
        "title": f"{increment} conflicts",
        "crumbs": _crumbs(context, "Resolve conflicts"),
        "solutions": ways_out_of(context["board"], increments.today_of(increment.train)),
    }
    return page(request, "planning/board_resolve.html", context)
