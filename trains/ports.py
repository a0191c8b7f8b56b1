"""Where higher apps plug into the pages of trains: panels of the release cockpit, lines of the calendar."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from .models import Release, Train

# (title, template, context, order): lower order comes first, from 100 on in the side column; None: nothing to show.
# The template is the inside of the panel; with the context it gets `release` and `request`.
Panel = tuple[str, str, dict[str, Any], int]
PanelSource = Callable[[HttpRequest, Release], Panel | None]

ASIDE = 100
_panels: list[PanelSource] = []


def cockpit_panels(source: PanelSource) -> PanelSource:
    """Register a panel of the release cockpit: fn(request, release) -> (title, template, context, order) or None."""
    _panels.append(source)
    return source


def panels_of(request: HttpRequest, release: Release) -> list[dict[str, Any]]:
    """The panels for this viewer, in their order."""
    found = [panel for panel in (source(request, release) for source in _panels) if panel]
    return [
        {"title": title, "template": template, "context": context, "aside": order >= ASIDE}
        for title, template, context, order in sorted(found, key=lambda p: p[3])
    ]


EVERYBODY = "All trains"


@dataclass(frozen=True)
class CalendarEvent:
    """One line of the calendar, [starts, ends); `lane` groups it (a train's name, or a word such as "CAB")."""

    kind: str
    title: str
    starts: datetime
    ends: datetime
    lane: str
    url: str = ""
    tone: str = ""
    note: str = ""
    icon: str = ""


CalendarSource = Callable[[datetime, datetime, Train | None], Iterable[CalendarEvent]]

_calendars: list[CalendarSource] = []


def calendar_events(source: CalendarSource) -> CalendarSource:
    """Register a source of calendar lines: fn(starts, ends, train or None) -> events of [starts, ends)."""
    _calendars.append(source)
    return source


def events_between(starts: datetime, ends: datetime, train: Train | None = None) -> list[CalendarEvent]:
    """The lines of every source, by time."""
    found = [event for source in _calendars for event in source(starts, ends, train)]
    return sorted(found, key=lambda e: (e.starts, e.kind, e.title))
