"""Agile health of a train: ceremonies, follow-through, and how each team sees itself over time."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from planning.actions import health as actions
from planning.queries import health as queries
from planning.queries.increments import today_of
from planning.rules.health import DIMENSIONS
from releasetrain.interface import formats, links
from releasetrain.interface.charts import radar_chart
from releasetrain.interface.pages import page

from .choosing import chosen_train


@require_safe
def show(request: Any) -> HttpResponse:
    """How the train meets, keeps its word, and sees itself."""
    trains, train = chosen_train(request)
    axes = [title for title, _ in DIMENSIONS.values()]
    radars, today = [], today_of(train) if train else None
    for each in queries.teams(train) if train else []:
        series = {
            formats.full_day(assessment.held_on): [scores.get(d) for d in DIMENSIONS]
            for assessment, scores in each.rounds
        }
        radars.append(
            {
                "team": each.team,
                "chart": radar_chart(each.team.name, axes, series) if series else None,
                "assess": (
                    actions.record_assessment.decide(request.actor, None, {"team": each.team}),
                    f"{links.verb_url(actions.record_assessment)}?team={each.team.pk}",
                ),
            }
        )
    items, done = queries.actions_of(train, today) if train and today else ([], None)
    context = {
        "title": "Agile health",
        "section": "health",
        "crumbs": [("Agile health", "")],
        "trains": trains,
        "train": train,
        "today": today,
        "radars": radars,
        "held": queries.held(train, today) if train and today else [],
        "items": items,
        "done": done,
        "root": links.page_root(),
        "record": (
            actions.record_ceremony.decide(request.actor, None, {"train": train}),
            f"{links.verb_url(actions.record_ceremony)}?train={train.pk}" if train else "",
        ),
    }
    return page(request, "planning/health.html", context)
