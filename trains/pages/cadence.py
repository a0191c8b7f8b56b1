"""The cadence planner: boundaries and releases on closed days, and how trains drift apart."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from releasetrain.interface import links
from releasetrain.interface.pages import page
from releasetrain.kernel.clock import now
from trains.actions.business_calendars import create_calendar
from trains.models import BusinessCalendar, Train
from trains.queries.ceremonies import drift_of
from trains.queries.closed_days import cadence_collisions


@require_safe
def show(request: Any) -> HttpResponse:
    """Collisions of a year ahead, for one train or all, with the nearest clean shift of each."""
    trains = list(Train.objects.filter(archived_at__isnull=True).order_by("name"))
    train = next((t for t in trains if t.key == request.GET.get("train", "")), None)
    context = {
        "title": "Cadence and business calendars",
        "section": "calendar",
        "crumbs": [
            ("Calendar", reverse("trains:calendar", args=[request.organization.slug])),
            ("Cadence", ""),
        ],
        "root": links.page_root(),
        "trains": trains,
        "train": train,
        "collisions": cadence_collisions(train),
        "calendars": list(
            BusinessCalendar.objects.filter(retired_at__isnull=True).select_related("train").order_by("name")
        ),
        "drift": drift_of(trains, now().date()),
        "calendar_verb": (create_calendar.decide(request.actor), links.verb_url(create_calendar)),
    }
    return page(request, "trains/calendar_cadence.html", context)
