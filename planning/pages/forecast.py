"""Aging and forecast of a train: when the work is likely done, what stands too long, what efforts teach."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from planning.actions.throughput import record_week
from planning.queries import aging, asked, forecast
from planning.queries.forecast import Outlook
from releasetrain.interface import formats, links
from releasetrain.interface.charts import Chart, bar_chart, histogram
from releasetrain.interface.pages import page
from releasetrain.kernel.refusals import Refusal, Refused

SHOWN = 100


@require_safe
def show(request: Any) -> HttpResponse:
    """The outlook of a train, a Program Increment or a team."""
    trains = asked.running()
    refusals: list[Refusal] = []
    train, found, ages = None, None, None
    try:
        train = asked.train_of(request.GET, trains)
        if train is not None:
            found = asked.outlook_of(request.GET)[1]
            ages = aging.aging(train, found.pi, found.team)
    except Refused as refused:
        refusals = refused.refusals
    context = {
        "title": "Forecast",
        "section": "forecast",
        "crumbs": [("Forecast", "")],
        "trains": trains,
        "train": train,
        "increments": train.increments.order_by("-starts")[:50] if train else [],
        "teams": train.teams.order_by("name") if train else [],
        "found": found,
        "charts": _charts(found) if found else [],
        "ages": ages,
        "standing": ages.standing[:SHOWN] if ages else [],
        "shown": SHOWN,
        "efforts": forecast.efforts(train) if train and found else [],
        "weeks": request.GET.get("weeks", ""),
        "seed": request.GET.get("seed", ""),
        "record": (record_week.decide(request.actor, None, {}), links.verb_url(record_week)),
        "refusals": refusals,
        "left_url": _left_url(found) if found else "",
        "root": links.page_root(),
        "json": f"/api/v1/orgs/{request.organization.slug}/forecast?{request.GET.urlencode()}",
    }
    return page(request, "planning/forecast.html", context, status=refusals[0].status if refusals else 200)


def _left_url(found: Outlook) -> str:
    parts = ["show=open", f"train={found.train.pk}"]
    parts += [f"pi={found.pi.pk}"] if found.pi else []
    parts += [f"team={found.team.pk}"] if found.team else []
    return f"{links.page_root()}features/?{'&'.join(parts)}"


def _charts(found: Outlook) -> list[Chart]:
    made = []
    if found.forecast and found.forecast.spread and found.remaining:
        draws = [
            weeks
            for weeks, count in found.forecast.spread
            for _ in range(max(1, count * 400 // found.forecast.runs))
        ]
        marks = [(f"{d.percent} %", float(d.weeks)) for d in found.forecast.dates if d.weeks is not None]
        made.append(
            histogram(
                "In how many weeks the runs finish",
                draws,
                unit="weeks",
                bins=max(draws) - min(draws) + 1,
                markers=marks,
            )
        )
    if found.history:
        rows = [(formats.full_day(week.monday), float(week.done)) for week in found.history[-13:]]
        made.append(bar_chart(f"Finished {found.unit}, the last {len(rows)} weeks of the history", rows))
    return made
