"""Dependencies of a Program Increment: team by team, feature by feature, and each in words."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from planning.queries import increments
from planning.queries.board import BoardFilter, load_board
from planning.queries.matrix import Narrowed, feature_matrix, matrix
from releasetrain.interface import links
from releasetrain.interface.pages import conditional, page, wanted_fragment

from .board import find_increment, version_of


@require_safe
def dependencies(request: Any, pi: uuid.UUID) -> HttpResponse:
    """Which team, and which feature, needs how much of which, and how well it stands; live like the board."""
    increment = find_increment(pi)
    given = request.GET
    narrowed = Narrowed(given.get("consumer", ""), given.get("provider", ""), given.get("danger") == "1")

    def render() -> HttpResponse:
        board = load_board(increment, increments.today_of(increment.train))
        board_url = reverse("planning:board", args=[request.organization.slug, increment.pk])
        names = {str(row.team.pk): row.team.name for row in board.rows}
        query = given.copy()
        query.pop("fragment", None)
        context = {
            "title": f"{increment} dependencies",
            "section": "board",
            "crumbs": [
                (increment.train.name, links.url_for(increment.train)),
                (str(increment), board_url),
                ("Dependencies", ""),
            ],
            "pi": increment,
            "board": board,
            "matrix": matrix(board),
            "features": feature_matrix(board, narrowed),
            "narrowed": narrowed,
            "consumer": names.get(narrowed.consumer, ""),
            "provider": names.get(narrowed.provider, ""),
            "board_url": board_url,
            "root": links.page_root(),
            "address": request.path,
            "query": query.urlencode(),
        }
        return page(request, "planning/matrix.html", context)

    if wanted_fragment(request) == "matrix":
        return conditional(request, f"{version_of(request, increment, BoardFilter())}{narrowed}", render)
    return render()
