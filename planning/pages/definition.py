"""The Definition of Done of a train: its lines, what teams add, and where they stand at a milestone."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from planning.actions.definition import add_for_team, publish_definition
from planning.queries import increments
from planning.queries.asked import busiest, running
from planning.queries.definition import latest, lines_in_force, teams_at, versions
from releasetrain.interface import links
from releasetrain.interface.pages import page, redirect_to
from trains.models import Milestone, Train

MOST_MILESTONES = 12


@require_safe
def home(request: Any) -> HttpResponse:
    """Go to the busiest train's."""
    train = busiest(running())
    if train is None:
        context = {"title": "Definition of Done", "section": "done", "train": None}
        return page(request, "planning/definition.html", context)
    return redirect_to(reverse("planning:done", args=[request.organization.slug, train.key]))


@require_safe
def show(request: Any, ref: str) -> HttpResponse:
    """Lines in force, teams that differ, and their features due by the chosen milestone."""
    train = Train.objects.filter(key=ref).first()
    if train is None:
        raise Http404("There is no such train.")
    today = increments.today_of(train)
    coming = Milestone.objects.filter(train=train, on__gte=today).order_by("on", "name")
    chosen = next(
        (m for m in Milestone.objects.filter(train=train) if str(m.pk) == request.GET.get("milestone")), None
    )
    milestones = list(coming[:MOST_MILESTONES])
    if chosen is not None and chosen not in milestones:
        milestones.insert(0, chosen)
    lines = lines_in_force(train.pk).get(None, [])
    org = request.organization.slug
    teams: list[dict[str, Any]] = [
        {
            "at": at,
            "add": add_for_team.decide(request.actor, None, {"team": at.team}),
            "add_url": _prefilled(add_for_team, at.added, team=at.team.pk),
        }
        for at in teams_at(train, chosen)
    ]
    context = {
        "title": f"Definition of Done of {train}",
        "section": "done",
        "crumbs": [(train.name, links.url_for(train)), ("Definition of Done", "")],
        "train": train,
        "trains": list(Train.objects.filter(archived_at__isnull=True).order_by("key")),
        "definition": latest(train.pk),
        "lines": lines,
        "teams": teams,
        "differing": sum(row["at"].differs for row in teams),
        "milestones": milestones,
        "milestone": chosen,
        "versions": versions(train),
        "publish": publish_definition.decide(request.actor, None, {"train": train}),
        "publish_url": _prefilled(publish_definition, lines, train=train.pk),
        "address": reverse("planning:done", args=[org, train.key]),
        "root": links.page_root(),
    }
    return page(request, "planning/definition.html", context)


def _prefilled(verb: Any, lines: list[Any], **named: Any) -> str:
    """The form of a verb that begins with what is in force."""
    query = {name: str(value) for name, value in named.items()} | {"lines": "\n".join(x.text for x in lines)}
    return f"{links.verb_url(verb)}?{urlencode(query)}"
