"""The matrix of dependencies between teams, and the sequence of a train's features."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from planning.queries import increments
from planning.queries.board import load_board
from planning.queries.matrix import matrix
from planning.queries.sequence import sequence
from releasetrain.interface import links
from releasetrain.interface.pages import page
from trains.models import Train

from .board import find_increment


@require_safe
def dependencies(request: Any, pi: uuid.UUID) -> HttpResponse:
    """Which team needs how much of which, and how well it stands."""
    increment = find_increment(pi)
    board = load_board(increment, increments.today_of(increment.train))
    board_url = reverse("planning:board", args=[request.organization.slug, increment.pk])
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
        "board_url": board_url,
        "root": links.page_root(),
    }
    return page(request, "planning/matrix.html", context)


@require_safe
def order(request: Any) -> HttpResponse:
    """The order in which the open features of a train can be built."""
    trains = list(Train.objects.filter(archived_at__isnull=True).order_by("key"))
    train = next((t for t in trains if t.key == request.GET.get("train")), trains[0] if trains else None)
    context = {
        "title": "Sequence",
        "section": "backlog",
        "crumbs": [("Features", f"{links.page_root()}features/"), ("Sequence", "")],
        "trains": trains,
        "train": train,
        "sequence": sequence(train) if train else None,
    }
    return page(request, "planning/sequence.html", context)
