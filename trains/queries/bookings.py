"""Who has a shared resource when, who waits for it in which order, and when it is free."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from releasetrain.interface import links
from releasetrain.kernel.clock import now
from trains.models import Booking, SharedResource, Train
from trains.ports import EVERYBODY, CalendarEvent
from trains.rules.intervals import Interval, full, nearest_free

HORIZON = timedelta(days=366)


@dataclass(frozen=True)
class Waiting:
    """A place in the queue, who holds what it waits for, and the nearest window that is free."""

    position: int
    booking: Booking
    holders: list[Booking]
    free: Interval | None


def interval_of(booking: Booking) -> Interval:
    """The window of a booking as rules know it."""
    return Interval(booking.starts, booking.ends)


def booked(resource: SharedResource) -> list[Booking]:
    """Every booking that holds a unit, by start."""
    rows = Booking.objects.filter(resource=resource, state=Booking.State.BOOKED)
    return list(rows.select_related("release").order_by("starts", "key"))


def queued(resource: SharedResource) -> list[Booking]:
    """Who waits: by business impact, then what was escalated, then by who asked first."""
    rows = Booking.objects.filter(resource=resource, state=Booking.State.QUEUED)
    waiting = list(rows.select_related("release", "resource"))
    return sorted(waiting, key=lambda b: (b.impact, b.escalated_at is None, b.created_at, b.key))


def holders(taken: Iterable[Booking], window: Interval) -> list[Booking]:
    """Those that share a moment with the window."""
    return [b for b in taken if interval_of(b).overlaps(window)]


def free_slot(resource: SharedResource, window: Interval, taken: Iterable[Booking]) -> Interval | None:
    """The nearest window of the same length in which a unit is free, from now on."""
    busy = full([interval_of(b) for b in taken], resource.capacity)
    # A wish in the past is answered in the past only by a wish: nothing can be booked before now.
    earliest = min(now(), window.starts)
    return nearest_free(busy, window, earliest=earliest, latest=window.ends + HORIZON)


def queue_of(resource: SharedResource) -> list[Waiting]:
    """The queue with the reason of each wait."""
    taken = booked(resource)
    return [
        Waiting(n, each, holders(taken, interval_of(each)), free_slot(resource, interval_of(each), taken))
        for n, each in enumerate(queued(resource), 1)
    ]


def bookings_between(starts: datetime, ends: datetime, train: Train | None = None) -> list[Booking]:
    """Bookings, held or waiting, that share a moment with [starts, ends)."""
    rows = Booking.objects.filter(starts__lt=ends, ends__gt=starts).exclude(state=Booking.State.CANCELLED)
    if train is not None:
        rows = rows.filter(Q(release__train=train))
    return list(rows.select_related("resource", "release__train").order_by("starts", "key"))


def bookings(starts: datetime, ends: datetime, train: Train | None) -> Iterable[CalendarEvent]:
    """Lines of the calendar: bookings of shared resources."""
    for booking in bookings_between(starts, ends, train):
        waits = booking.state == Booking.State.QUEUED
        yield CalendarEvent(
            kind="booking",
            title=f"{booking.resource}: {booking.release.key}",
            starts=booking.starts,
            ends=booking.ends,
            lane=booking.release.train.name if train else EVERYBODY,
            url=links.url_for(booking),
            tone="warn" if waits else "",
            note="waits in the queue" if waits else "booked",
            icon="plug",
            source=booking,
        )
