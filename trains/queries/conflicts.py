"""Conflicts on the calendar, seen from both sides: the release, and what it meets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from releasetrain.kernel.clock import now
from trains.models import Booking, Release, Train
from trains.ports import CalendarEvent
from trains.queries.bookings import booked, free_slot, holders, interval_of
from trains.queries.closed_days import closed_runs
from trains.queries.windows import Obstacles, services_of
from trains.rules.intervals import Interval
from trains.rules.landing import Obstacle, allowed, nearest

# A release is a point in time; on the calendar it takes an hour.
POINT = timedelta(hours=1)
# How far around a target a free slot is looked for.
AROUND = timedelta(days=120)
_OVER = (Release.State.CANCELLED, Release.State.ROLLED_BACK, Release.State.CLOSED)


@dataclass(frozen=True)
class Conflict:
    """A release planned where it cannot go: what it meets, why, and the nearest slot that is free."""

    release: Release
    source: Any
    short: str
    reason: str
    free: Interval | None
    at: datetime | None = None


def releases_between(starts: datetime, ends: datetime, train: Train | None) -> list[Release]:
    """Releases that went out or are due in [starts, ends)."""
    out = Q(released_at__gte=starts, released_at__lt=ends)
    planned = Q(released_at__isnull=True, target_at__gte=starts, target_at__lt=ends) & ~Q(state__in=_OVER)
    rows = Release.objects.filter(out | planned)
    if train is not None:
        rows = rows.filter(train=train)
    return list(rows.select_related("train").order_by("target_at", "key"))


def conflicts_between(starts: datetime, ends: datetime, train: Train | None) -> list[Conflict]:
    """Every conflict of a release due in [starts, ends), and of bookings of that time that wait."""
    return conflicts_of(releases_between(starts, ends, train)) + _bookings(starts, ends, train)


def conflicts_of(rows: Sequence[Release]) -> list[Conflict]:
    """What each of the planned releases meets at its target."""
    waiting = [(r, r.target_at) for r in rows if r.target_at and not r.released_at]
    if not waiting:
        return []
    targets = [target for _, target in waiting]
    span = Interval(min(targets) - AROUND, max(targets) + AROUND)
    known = Obstacles(span)
    services = services_of([r for r, _ in waiting])
    closed = [
        run for run in closed_runs(span.starts.date(), span.ends.date()) if run.calendar.kind != "holidays"
    ]
    moment = now()
    found: list[Conflict] = []
    for release, target in waiting:
        stops = known.against(release.train_id, services[release.pk])
        stops += [
            (Obstacle(run.closed.name, run.window), run.source)
            for run in closed
            if run.calendar.train_id in (None, release.train_id)
        ]
        members = known.members(services[release.pk].values())
        hits = [(o, source) for o, source in stops if o.window.starts <= target < o.window.ends]
        outside = allowed(members, target)
        if not hits and not outside:
            continue
        room = Interval(max(span.starts, min(moment, target)), span.ends)
        free = nearest(members, [o for o, _ in stops], Interval(target, target + POINT), room)
        for obstacle, source in hits:
            until = f"{obstacle.window.ends:%Y-%m-%d %H:%M} UTC"
            reason = f"{release.key} is planned inside {obstacle.name}, which ends {until}."
            found.append(Conflict(release, source, f"inside {obstacle.name}", reason, free, target))
        for name in outside:
            service = next(s for s in services[release.pk].values() if s.name == name)
            reason = f"{release.key} is planned outside every deployment window of {name}."
            found.append(Conflict(release, service, f"outside the windows of {name}", reason, free, target))
    return found


def _bookings(starts: datetime, ends: datetime, train: Train | None) -> list[Conflict]:
    """Bookings that wait: in conflict with who holds the resource."""
    rows = Booking.objects.filter(state=Booking.State.QUEUED, starts__lt=ends, ends__gt=starts)
    if train is not None:
        rows = rows.filter(release__train=train)
    found, taken = [], {}
    for booking in rows.select_related("release__train", "resource").order_by("starts", "key"):
        window = interval_of(booking)
        taken.setdefault(booking.resource_id, booked(booking.resource))
        rivals = holders(taken[booking.resource_id], window)
        free = free_slot(booking.resource, window, taken[booking.resource_id])
        held = ", ".join(f"{r.key} of {r.release.key}" for r in rivals) or "nobody any more"
        reason = f"{booking.key} of {booking.release.key} waits for {booking.resource}, held by {held}."
        source = rivals[0] if rivals else booking
        found.append(Conflict(booking.release, source, f"waits for {booking.resource}", reason, free))
    return found


def marked(events: Sequence[CalendarEvent], conflicts: Sequence[Conflict]) -> list[CalendarEvent]:
    """The events with the other side marked, too: what a release meets says which release it is."""
    by_source: dict[Any, list[Conflict]] = {}
    for conflict in conflicts:
        by_source.setdefault((type(conflict.source), conflict.source.pk), []).append(conflict)
    found = []
    for event in events:
        hits = by_source.get((type(event.source), event.source.pk), []) if event.source is not None else []
        # Of what recurs, only the occurrence that the release meets.
        hits = [c for c in hits if not c.at or event.starts <= c.at < event.ends]
        said = event.conflict or " ".join(hit.reason for hit in hits)
        found.append(replace(event, conflict=said) if said else event)
    return found


def conflicts_with(source: Any) -> list[Conflict]:
    """The other side: the releases that a freeze, a window, a notice or a closed period meets, a year ahead."""
    moment = now()
    year = timedelta(days=366)
    return [
        c
        for c in conflicts_between(moment - timedelta(days=31), moment + year, None)
        if type(c.source) is type(source) and c.source.pk == source.pk
    ]
