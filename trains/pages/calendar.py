"""The release calendar: timeline, month, week and list of everything that has a date."""

from __future__ import annotations

import calendar as month_calendar
import math
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from releasetrain.interface import links
from releasetrain.interface.pages import page
from releasetrain.kernel import locales
from releasetrain.kernel.clock import now
from trains.actions.freezes import create_freeze
from trains.actions.releases import create_release
from trains.models import Train
from trains.ports import EVERYBODY, CalendarEvent, events_between
from trains.queries.conflicts import conflicts_between, marked
from trains.queries.feed import visible

VIEWS = ("timeline", "month", "week", "list")
SPANS = (14, 28, 42, 56)
_DAY = timedelta(days=1)
_LABEL_COLUMNS = 4
# How many characters of a label the whole width of the timeline holds, and the columns a longer one is cut at.
_CHARACTERS, _MOST_COLUMNS = 170, 8
_CSS = {
    "freeze": "frz",
    "closed": "frz",
    "maintenance": "frz",
    "release": "rel",
    "pi": "rel",
    "vendor": "ven",
    "milestone": "ven",
}


@dataclass
class Bar:
    """One event on the timeline: the column it begins in, how many it covers, and whether its label fits inside."""

    event: CalendarEvent
    column: int
    columns: int
    css: str
    long: bool


@dataclass
class Lane:
    """The events of one train, or of everybody."""

    name: str
    bars: list[Bar] = field(default_factory=list)


@dataclass
class Day:
    """One day of the month or of the list."""

    day: date
    events: list[CalendarEvent] = field(default_factory=list)
    outside: bool = False


@dataclass(frozen=True)
class Asked:
    """What the address asks for: the view, its first day, how many days, and a train or all."""

    view: str
    chosen: bool
    first: date
    days: int
    train: Train | None

    @property
    def starts(self) -> datetime:
        return _midnight(self.first)

    @property
    def ends(self) -> datetime:
        return _midnight(self.first + self.days * _DAY)

    def address(self, **changed: Any) -> str:
        said = {"view": self.view if self.chosen else "", "from": self.first, "days": self.days}
        said |= {"train": self.train.key if self.train else ""} | changed
        return f"?{urlencode({k: v for k, v in said.items() if v not in ('', None)})}"


@require_safe
def show(request: Any) -> HttpResponse:
    """The calendar. Without a chosen view: the timeline, and on a phone the list."""
    today = timezone.localtime(now()).date()
    asked = _asked(request, today)
    conflicts = conflicts_between(asked.starts, asked.ends, asked.train)
    events = marked(visible(request.actor, events_between(asked.starts, asked.ends, asked.train)), conflicts)
    grid = asked.view in ("month", "week")
    context = {
        "title": "Release calendar",
        "section": "calendar",
        "asked": asked,
        "today": today,
        "zone": timezone.get_current_timezone_name(),
        "last": asked.first + (asked.days - 1) * _DAY,
        "root": links.page_root(),
        "conflicts": conflicts,
        "tabs": [(view, view.capitalize(), asked.address(view=view)) for view in VIEWS],
        "before": asked.address(**{"from": _previous(asked)}),
        "after": asked.address(**{"from": asked.first + asked.days * _DAY}),
        "now_url": asked.address(**{"from": None}),
        "spans": SPANS,
        "trains": list(Train.objects.filter(archived_at__isnull=True).order_by("name")),
        "has_events": bool(events),
        "columns": [asked.first + n * _DAY for n in range(asked.days)],
        "lanes": _lanes(events, asked) if asked.view == "timeline" else [],
        "weeks": _weeks(events, asked) if grid else [],
        "days": _days(events, asked) if asked.view == "list" or not asked.chosen else [],
        "freeze_verb": (create_freeze.decide(request.actor), links.verb_url(create_freeze)),
        "release_verb": (create_release.decide(request.actor), links.verb_url(create_release)),
    }
    return page(request, "trains/calendar.html", context)


def _asked(request: Any, today: date) -> Asked:
    view = request.GET.get("view", "")
    chosen = view in VIEWS
    days = request.GET.get("days", "")
    span = int(days) if days.isascii() and days.isdigit() and int(days) in SPANS else 28
    first = _date(request.GET.get("from", "")) or today - _into_week(today)
    if view == "month":
        first = first.replace(day=1)
        span = month_calendar.monthrange(first.year, first.month)[1]
    if view == "week":
        first, span = first - _into_week(first), 7
    train = Train.objects.filter(key=request.GET.get("train", "")[:40].replace("\0", "")).first()
    return Asked(view if chosen else "timeline", chosen, first, span, train)


def _into_week(day: date) -> timedelta:
    """How far a day is into its week, which begins with the day that it begins with in the viewer's region."""
    return (day.weekday() - locales.first_weekday()) % 7 * _DAY


def _date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1970 < day.year < 2200 else None


def _previous(asked: Asked) -> date:
    if asked.view == "month":
        return (asked.first - _DAY).replace(day=1)
    return asked.first - asked.days * _DAY


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _covered(event: CalendarEvent, asked: Asked) -> tuple[date, date]:
    """The first and last day of the event that the view shows; an end at midnight does not touch that day."""
    first = timezone.localtime(max(event.starts, asked.starts)).date()
    last = timezone.localtime(min(event.ends, asked.ends) - timedelta(microseconds=1)).date()
    return first, max(first, last)


def _lanes(events: list[CalendarEvent], asked: Asked) -> list[Lane]:
    lanes: dict[str, Lane] = {}
    for event in events:
        first, last = _covered(event, asked)
        column, columns = (first - asked.first).days + 1, (last - first).days + 1
        css = (
            "cl"
            if event.tone == "bad" or (event.conflict and event.kind != "freeze")
            else _CSS.get(event.kind, "")
        )
        long = columns >= _LABEL_COLUMNS
        labelled = min(1 + math.ceil(len(event.title) * asked.days / _CHARACTERS), _MOST_COLUMNS)
        width = columns if long else min(max(columns, labelled), asked.days - column + 1)
        lanes.setdefault(event.lane, Lane(event.lane)).bars.append(Bar(event, column, width, css, long))
    return sorted(lanes.values(), key=lambda lane: (lane.name != EVERYBODY, lane.name))


def _days(events: list[CalendarEvent], asked: Asked) -> list[Day]:
    """Each event on the first day that it shows on; days without events are left out."""
    days: dict[date, Day] = {}
    for event in events:
        first, _ = _covered(event, asked)
        days.setdefault(first, Day(first)).events.append(event)
    return sorted(days.values(), key=lambda d: d.day)


def _weeks(events: list[CalendarEvent], asked: Asked) -> list[list[Day]]:
    """Weeks as the region begins them, of the month or the one asked for; an event stands on each of its days."""
    week = [Day(asked.first + n * _DAY) for n in range(asked.days)]
    weeks = [week] if asked.view == "week" else _month(asked)
    by_date = {day.day: day for week in weeks for day in week}
    for event in events:
        first, last = _covered(event, asked)
        for offset in range((last - first).days + 1):
            by_date[first + offset * _DAY].events.append(event)
    return weeks


def _month(asked: Asked) -> list[list[Day]]:
    return [
        [Day(day, outside=day.month != asked.first.month) for day in week]
        for week in month_calendar.Calendar(locales.first_weekday()).monthdatescalendar(
            asked.first.year, asked.first.month
        )
    ]
