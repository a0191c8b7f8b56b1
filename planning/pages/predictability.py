"""Predictability of a train and its teams over its Program Increments."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from planning.queries import predictability as queries
from planning.rules.predictability import HEALTHY_FROM, HEALTHY_TO
from releasetrain.interface import links
from releasetrain.interface.charts import Band, line_chart
from releasetrain.interface.pages import page

from .choosing import chosen_train


@require_safe
def show(request: Any) -> HttpResponse:
    """Actual against planned business value, per team and train."""
    trains, train = chosen_train(request)
    beats = queries.of_train(train) if train else []
    scored = [beat for beat in beats if beat.result]
    context = {
        "title": "Predictability",
        "section": "board",
        "crumbs": [("Predictability", "")],
        "trains": trains,
        "train": train,
        "beats": beats,
        "scored": scored,
        "disturbed": [beat for beat in reversed(beats) if beat.disturbances],
        "chart": _chart(scored) if scored else None,
        "root": links.page_root(),
        "api_url": f"{links.api_root()}/predictability?train={train.key}" if train else "",
    }
    return page(request, "planning/predictability.html", context)


def _chart(beats: list[queries.Beat]) -> Any:
    labels = [beat.pi.name for beat in beats]
    teams: dict[str, list[float | None]] = {}
    for number, beat in enumerate(beats):
        for each in beat.result.teams if beat.result else ():
            teams.setdefault(each.name, [None] * len(beats))[number] = each.percent
    train = [beat.result.total.percent if beat.result else None for beat in beats]
    # Six series at most: the train, and the teams that are farthest from the band in the latest one.
    order = sorted(teams, key=lambda name: abs((teams[name][-1] or 0) - 90), reverse=True)[:5]
    healthy = [float(HEALTHY_FROM)] * len(beats), [float(HEALTHY_TO)] * len(beats)
    return line_chart(
        "Predictability",
        labels,
        {"Train": train} | {name: teams[name] for name in order},
        unit="%",
        bands=[Band("80–100 %", *healthy)],
    )
