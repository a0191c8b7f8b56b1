"""Portfolio load: all trains' releases by week, who carries too much, and moves that would lower the peak."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from releasetrain.interface import links
from releasetrain.interface.pages import page
from releasetrain.kernel.clock import now
from trains.actions.windows import create_limit
from trains.models import Train
from trains.queries.load import portfolio

WEEKS = 13


@require_safe
def show(request: Any) -> HttpResponse:
    """A quarter, by default from this week on."""
    trains = list(Train.objects.filter(archived_at__isnull=True).order_by("name"))
    train = next((t for t in trains if t.key == request.GET.get("train", "")), None)
    context = {
        "title": "Portfolio load",
        "section": "calendar",
        "crumbs": [("Calendar", reverse("trains:calendar", args=[request.organization.slug])), ("Load", "")],
        "root": links.page_root(),
        "trains": trains,
        "train": train,
        "portfolio": portfolio(first_week(request.GET.get("from", "")), WEEKS, train),
        "limit_verb": (create_limit.decide(request.actor), links.verb_url(create_limit)),
    }
    return page(request, "trains/calendar_load.html", context)


def first_week(text: str) -> date:
    """The day the address asks for, or today."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return now().date()
    return day if 1970 < day.year < 2200 else now().date()
