"""The calendar as iCalendar (RFC 5545): what one person may see, from three months back to a year ahead."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urljoin

from django.db.models import Max

from releasetrain.interface.resources import resource_of
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from trains.models import RecurringWindow, Release, ScopeChange, Train
from trains.ports import CalendarEvent, events_between
from trains.queries.calendar import scope_sentence
from trains.queries.conflicts import conflicts_between, marked
from trains.queries.windows import recurrence_of
from trains.rules.recurrence import Recurrence

BACK = timedelta(days=92)
AHEAD = timedelta(days=366)
PRODUCT = "-//Release Train//Release calendar//EN"


def visible(actor: Actor, events: Iterable[CalendarEvent]) -> list[CalendarEvent]:
    """The events whose rows the person may read on pages: by the permission of their kind and its own rows."""
    found = list(events)
    hidden: set[int] = set()
    by_model: dict[type, list[int]] = {}
    for index, event in enumerate(found):
        if event.source is not None:
            by_model.setdefault(type(event.source), []).append(index)
    for indexes in by_model.values():
        resource = resource_of(found[indexes[0]].source)
        if resource is None:
            continue
        if not actor.may_somewhere(resource.requires):
            hidden.update(indexes)
        elif resource.rows is not None:
            keys = {found[i].source.pk for i in indexes}
            seen = set(resource.rows(actor).filter(pk__in=keys).values_list("pk", flat=True))
            hidden.update(i for i in indexes if found[i].source.pk not in seen)
    return [event for index, event in enumerate(found) if index not in hidden]


def calendar_of(
    actor: Actor, train: Train | None, *, name: str, root: str, at: datetime | None = None
) -> bytes:
    """The whole feed. Equal plans make equal bytes, so that an unchanged feed is answered with 304."""
    from icalendar import Calendar

    moment = (at or now()).replace(hour=0, minute=0, second=0, microsecond=0)
    span = (moment - BACK, moment + AHEAD, train)
    events = marked(visible(actor, events_between(*span)), conflicts_between(*span))
    changed = _changed(events)
    scopes = _scopes([e.source for e in events if isinstance(e.source, Release)])
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    done: set[uuid.UUID] = set()
    for event in events:
        if isinstance(event.source, RecurringWindow):
            if event.source.pk not in done:
                done.add(event.source.pk)
                calendar.add_component(_recurring(event, changed, root))
        else:
            calendar.add_component(_single(event, changed, scopes, root))
    calendar.add_missing_timezones(first_date=(moment - BACK).date(), last_date=(moment + AHEAD).date())
    return bytes(calendar.to_ical())


def _single(
    event: CalendarEvent, changed: dict[Any, datetime], scopes: dict[uuid.UUID, list[str]], root: str
) -> Any:
    # Each change of scope adds a line, and counts as a revision of the event.
    lines = scopes.get(event.source.pk, []) if event.kind == "release" else []
    entry = _entry(event, changed, root, len(lines))
    if event.days:
        entry.add("dtstart", event.days[0])
        entry.add("dtend", event.days[1])
    else:
        entry.add("dtstart", event.starts.astimezone(UTC))
        entry.add("dtend", event.ends.astimezone(UTC))
    text = "\n".join(line for line in [event.note, event.conflict, *lines] if line)
    if text:
        entry.add("description", text)
    return entry


def _recurring(event: CalendarEvent, changed: dict[Any, datetime], root: str) -> Any:
    """A window with its rule and its zone: whoever reads it computes the wall clock alike."""
    from zoneinfo import ZoneInfo

    from icalendar import vRecur

    what: Recurrence = recurrence_of(event.source)
    entry = _entry(event, changed, root)
    zone = UTC if what.zone == "UTC" else ZoneInfo(what.zone)
    entry.add("dtstart", what.first.replace(tzinfo=zone))
    entry.add("duration", what.length)
    entry.add("rrule", vRecur.from_ical(what.rrule))
    entry.add("description", event.note)
    return entry


def _entry(event: CalendarEvent, changed: dict[Any, datetime], root: str, revisions: int = 0) -> Any:
    from icalendar import Event

    entry = Event()
    entry.add("uid", _uid(event))
    entry.add("dtstamp", changed.get(_key(event.source), event.starts).astimezone(UTC))
    entry.add("sequence", max(0, int(getattr(event.source, "row_version", 1)) - 1) + revisions)
    entry.add("summary", f"{event.title} ({event.lane})")
    entry.add("categories", [event.kind])
    entry.add("transp", "TRANSPARENT")
    if event.url:
        entry.add("url", urljoin(root, event.url))
    return entry


def _uid(event: CalendarEvent) -> str:
    """The same for ever: of the row, with the day where one row makes several events."""
    if event.source is None:
        return f"{event.kind}-{event.starts:%Y%m%d}-{uuid.uuid5(uuid.NAMESPACE_URL, event.lane)}@releasetrain"
    base = f"{event.kind}-{event.source.pk}"
    if event.kind in ("closed", "scope"):
        assert event.days is not None
        base += f"-{event.days[0]:%Y%m%d}"
    return f"{base}@releasetrain"


def _key(source: Any) -> Any:
    return (type(source), source.pk) if source is not None else None


def _changed(events: list[CalendarEvent]) -> dict[Any, datetime]:
    """When each row was last changed, one query for each kind."""
    by_model: dict[type, dict[Any, Any]] = {}
    for event in events:
        if event.source is not None:
            by_model.setdefault(type(event.source), {})[event.source.pk] = event.source
    found: dict[Any, datetime] = {}
    for model, rows in by_model.items():
        found |= {(model, pk): row.created_at for pk, row in rows.items()}
        history = getattr(model, "history", None)
        if history is not None:
            latest = history.model.objects.filter(id__in=rows).order_by().values("id")
            found |= {(model, r["id"]): r["at"] for r in latest.annotate(at=Max("history_date"))}
    return found


def _scopes(releases: list[Release]) -> dict[uuid.UUID, list[str]]:
    """Every change of each release's scope, in sentences."""
    found: dict[uuid.UUID, list[str]] = {}
    rows = ScopeChange.objects.filter(release__in=releases).select_related("item").order_by("at", "id")
    for change in rows:
        said = f"{change.at:%Y-%m-%d} {scope_sentence(change)}"
        found.setdefault(change.release_id, []).append(said)
    return found
