"""The pages of what stands on the calendar: the conflicts of its side, its next dates, proposals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest

from releasetrain.kernel.clock import now
from trains.models import RecurringWindow, Release, TrainMeeting
from trains.ports import Panel, cockpit_panels
from trains.queries.ceremonies import parties_of, plan_ahead, suffered
from trains.queries.conflicts import conflicts_of, conflicts_with
from trains.queries.on_call import who_is_on_call
from trains.queries.windows import recurrence_of, services_of
from trains.rules.recurrence import occurrences

_NEXT = 6
_PROPOSED = 6
_AHEAD = timedelta(days=800)


def conflict_page(request: Any, obj: Any) -> dict[str, Any]:
    """The other side of a conflict: which releases are planned into it."""
    return {"conflicts": conflicts_with(obj), "dates": []}


def window_page(request: Any, window: RecurringWindow) -> dict[str, Any]:
    """A recurring window: its next dates, and the releases planned into it."""
    moment = now()
    dates = occurrences(recurrence_of(window), moment, moment + _AHEAD) if not window.retired_at else []
    return {"conflicts": conflicts_with(window), "dates": dates[:_NEXT], "recurs": True}


def ceremony_page(request: Any, ceremony: TrainMeeting) -> dict[str, Any]:
    """A ceremony: dates, the best next times, and who has given how much outside their hours."""
    parties = parties_of(ceremony)
    moment = now()
    return {
        "dates": list(ceremony.slots.filter(cancelled_at__isnull=True, ends__gt=moment)[:_NEXT]),
        "proposals": plan_ahead(ceremony, _PROPOSED) if not ceremony.retired_at else [],
        "suffered": sorted(suffered(ceremony, parties).items(), key=lambda each: -each[1]),
        "parties": parties,
    }


@cockpit_panels
def dates_panel(request: HttpRequest, release: Release) -> Panel | None:
    """Of a release: what its date meets, what it will deploy, what it has booked, who is on call."""
    members = sorted(services_of([release])[release.pk].values(), key=lambda s: s.name)
    bookings = list(
        release.bookings.exclude(state="cancelled").select_related("resource").order_by("starts")[:10]
    )
    context = {
        "conflicts": conflicts_of([release]) if release.is_open else [],
        "members": members,
        "bookings": bookings,
        "on_call": who_is_on_call(train=release.train),
    }
    if not any(context.values()):
        return None
    return ("Dates", "trains/calendar_release_panel.html", context, 130)
