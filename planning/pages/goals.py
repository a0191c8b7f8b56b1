"""Quarterly goals: how far the backlog covers them, what serves none; and the themes of a release."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from planning.actions.themes import create_quarterly_goal, create_theme
from planning.queries import backlog, goals
from releasetrain.interface import links
from releasetrain.interface.pages import page
from trains.models import Release
from trains.ports import Panel, cockpit_panels

ORPHANS_SHOWN = 50


def goal_list(request: Any) -> dict[str, Any]:
    """Where the coverage is."""
    return {"coverage_url": f"{links.page_root()}quarterly-goals/coverage/"}


@require_safe
def coverage(request: Any) -> HttpResponse:
    """Goals with their themes and features, themes without a goal, and features that serve none."""
    trains, train = backlog.train_to_show(request.GET.get("train", ""))
    quarters = goals.quarters(train) if train else []
    asked = request.GET.get("quarter", "")
    quarter = asked if asked in quarters else ""
    found = goals.coverage(train, quarter) if train else None
    root = links.page_root()
    context = {
        "title": "Coverage of goals",
        "section": "goals",
        "crumbs": [("Quarterly goals", f"{root}quarterly-goals/"), ("Coverage", "")],
        "trains": trains,
        "train": train,
        "quarters": quarters,
        "quarter": quarter,
        "coverage": found,
        "orphans": found.orphans[:ORPHANS_SHOWN] if found else (),
        "root": root,
        "new_goal": (
            create_quarterly_goal.decide(request.actor, None, {}),
            links.verb_url(create_quarterly_goal),
        ),
        "new_theme": (create_theme.decide(request.actor, None, {}), links.verb_url(create_theme)),
    }
    return page(request, "planning/coverage.html", context)


@cockpit_panels
def themes_panel(request: HttpRequest, release: Release) -> Panel | None:
    """What the release is about: its themes, and the goals behind them."""
    themes = goals.themes_of_release(release)
    if not themes:
        return None
    return "Themes", "planning/_themes_panel.html", {"themes": themes}, 130
