"""Who is on call, now and at any moment: the question that incidents, rollbacks, escalations and the wall ask."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from releasetrain.accounts.models import User
from releasetrain.kernel.clock import now
from trains.models import HandOverNote, OnCallLayer, OnCallOverride, OnCallRotation, Service, Train
from trains.rules import on_call as rules
from trains.rules.intervals import Interval


@dataclass(frozen=True)
class OnCall:
    """One rotation at one moment: who answers, until when, and the last note at hand-over."""

    rotation: OnCallRotation
    person: User | None
    until: datetime | None
    layer: int | None
    note: HandOverNote | None


@dataclass(frozen=True)
class Stretch:
    """A shift with its person."""

    person: User
    window: Interval
    layer: int


# How far ahead the end of the present shift is looked for.
_SEARCHED = timedelta(days=60)


def who_is_on_call(
    *,
    train: Train | None = None,
    services: Collection[Service] = (),
    platform: str = "",
    at: datetime | None = None,
) -> list[OnCall]:
    """Who answers at the moment (default: now) for services and their trains, a train, a platform, or everything."""
    rows = OnCallRotation.objects.filter(retired_at__isnull=True)
    about = Q()
    if services:
        about |= Q(service__in=services) | Q(
            train_id__in={each.train_id for each in services if each.train_id}
        )
    if train is not None:
        about |= Q(train=train) | Q(service__train=train)
    if platform:
        about |= Q(platform__iexact=platform)
    return of_rotations(rows.filter(about).select_related("train", "service"), at or now())


def of_rotations(rotations: Iterable[OnCallRotation], at: datetime) -> list[OnCall]:
    """Each rotation at the moment, in four queries for all of them."""
    rows = list(rotations)
    span = Interval(at, at + _SEARCHED)
    schedules = schedules_of(rows, span)
    notes = {
        n.rotation_id: n
        for n in HandOverNote.objects.filter(rotation__in=rows, created_at__lte=at)
        .order_by("rotation_id", "-created_at")
        .distinct("rotation_id")
        .select_related("author")
    }
    found = []
    for rotation in rows:
        first = next((s for s in schedules[rotation.pk] if s.window.starts <= at < s.window.ends), None)
        found.append(
            OnCall(
                rotation,
                first.person if first else None,
                first.window.ends if first else None,
                first.layer if first else None,
                notes.get(rotation.pk),
            )
        )
    return found


def schedules_of(rotations: list[OnCallRotation], span: Interval) -> dict[Any, list[Stretch]]:
    """The final schedule of each rotation within the span."""
    layers: dict[Any, list[rules.Layer]] = {r.pk: [] for r in rotations}
    overrides: dict[Any, list[rules.Override]] = {r.pk: [] for r in rotations}
    people: dict[Any, User] = {}
    rows = OnCallLayer.objects.filter(rotation__in=rotations, removed_at__isnull=True)
    for layer in rows.prefetch_related("turns__user"):
        turns = sorted(layer.turns.all(), key=lambda t: t.position)
        people |= {t.user_id: t.user for t in turns}
        layers[layer.rotation_id].append(
            rules.Layer(
                layer.number,
                datetime.combine(layer.first_day, layer.hand_over),
                layer.turn_days,
                tuple(t.user_id for t in turns),
                layer.from_time,
                layer.to_time,
            )
        )
    stand_ins = OnCallOverride.objects.filter(
        rotation__in=rotations, cancelled_at__isnull=True, starts__lt=span.ends, ends__gt=span.starts
    )
    for override in stand_ins.select_related("user").order_by("created_at", "id"):
        people[override.user_id] = override.user
        window = Interval(override.starts, override.ends)
        overrides[override.rotation_id].append(rules.Override(override.user_id, window))
    return {
        r.pk: [
            Stretch(people[s.person], s.window, s.layer)
            for s in rules.shifts(layers[r.pk], overrides[r.pk], r.time_zone, span.starts, span.ends)
        ]
        for r in rotations
    }


def rotation_calendar(rotation: OnCallRotation, span: Interval) -> bytes:
    """The schedule of a rotation as iCalendar: one event for each shift, the person as attendee."""
    from icalendar import Calendar, Event, vCalAddress

    calendar = Calendar()
    calendar.add("prodid", "-//Release Train//On-call//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", rotation.name)
    for stretch in schedules_of([rotation], span)[rotation.pk]:
        entry = Event()
        entry.add("uid", f"on-call-{rotation.pk}-{stretch.window.starts:%Y%m%dT%H%M}@releasetrain")
        entry.add("dtstamp", rotation.created_at)
        entry.add("dtstart", stretch.window.starts)
        entry.add("dtend", stretch.window.ends)
        entry.add("summary", f"{rotation.name}: {stretch.person}")
        attendee = vCalAddress(f"mailto:{stretch.person.email}")
        attendee.params["CN"] = str(stretch.person)
        entry.add("attendee", attendee)
        calendar.add_component(entry)
    return bytes(calendar.to_ical())
