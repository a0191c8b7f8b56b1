"""Train size: teams and people against the guidance, coordination load against throughput."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from planning.queries.asked import train_of
from planning.queries.increments import today_of
from planning.queries.train_size import coordination, sizes
from releasetrain.interface import links
from releasetrain.interface.charts.bars import bar_chart
from releasetrain.interface.pages import page


@require_safe
def show(request: Any) -> HttpResponse:
    """All trains, and the Program Increments of one."""
    listed = sizes()
    largest = max(listed, key=lambda each: each.teams.value, default=None)
    train = train_of(request.GET) if request.GET.get("train") else largest.train if largest else None
    found = coordination(train, today_of(train)) if train else None
    periods = [p for p in reversed(found.periods) if p.load.features] if found else []
    charts = []
    if periods:
        loads = [(p.pi.name, round(p.load.load or 0.0, 2)) for p in periods]
        done = [(p.pi.name, float(p.load.finished)) for p in periods]
        charts = [
            bar_chart("Dependencies between teams for each feature", loads),
            bar_chart("Features finished", done),
        ]
    context = {
        "title": "Train size",
        "section": "trains",
        "crumbs": [("Trains", f"{links.page_root()}trains/"), ("Size", "")],
        "root": links.page_root(),
        "sizes": listed,
        "train": train,
        "found": found,
        "charts": charts,
    }
    return page(request, "planning/train_size.html", context)
