"""Recurring bottlenecks: which providers, services and causes hold others up, and what could be changed."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from planning.actions.troubles import record_trouble
from planning.queries import asked, bottlenecks
from releasetrain.interface import links
from releasetrain.interface.pages import page
from releasetrain.kernel.refusals import Refusal, Refused

SHOWN = 200


@require_safe
def show(request: Any) -> HttpResponse:
    """Bottlenecks of a train, or of all."""
    trains = asked.running()
    refusals: list[Refusal] = []
    train, found = None, None
    try:
        train = asked.train_of(request.GET, trains) if request.GET.get("train", "").strip() else None
        found = bottlenecks.bottlenecks(train)
    except Refused as refused:
        refusals = refused.refusals
    context = {
        "title": "Bottlenecks",
        "section": "board",
        "crumbs": [("Board", f"{links.page_root()}board/"), ("Bottlenecks", "")],
        "trains": trains,
        "train": train,
        "found": found,
        "rows": found.rows[:SHOWN] if found else [],
        "shown": SHOWN,
        "record": (record_trouble.decide(request.actor, None, {}), links.verb_url(record_trouble)),
        "refusals": refusals,
        "root": links.page_root(),
        "json": f"/api/v1/orgs/{request.organization.slug}/bottlenecks?{request.GET.urlencode()}",
    }
    return page(request, "planning/bottlenecks.html", context, status=refusals[0].status if refusals else 200)
