"""Who is on call: layers of turns by the wall clock, the later layer first, overrides before all."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from .intervals import Interval, intersected
from .recurrence import utc

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Layer:
    """People who take turns of whole days, from a wall-clock moment on; only at some hours, if it says so."""

    number: int
    first: datetime
    turn_days: int
    people: tuple[Hashable, ...]
    from_time: time | None = None
    to_time: time | None = None


@dataclass(frozen=True)
class Override:
    """Somebody stands in for whoever it would be."""

    person: Hashable
    window: Interval


@dataclass(frozen=True)
class Shift:
    """One person's stretch on call; layer 0 is an override."""

    window: Interval
    person: Hashable
    layer: int


def shifts(
    layers: Sequence[Layer], overrides: Sequence[Override], zone: str, starts: datetime, ends: datetime
) -> list[Shift]:
    """The final schedule of [starts, ends): every moment has one person, or nobody. Of overrides the last one counts."""
    span = Interval(starts, ends)
    ranked: list[list[Shift]] = [
        [Shift(_cut(o.window, span), o.person, 0)] for o in reversed(overrides) if o.window.overlaps(span)
    ]
    for layer in sorted(layers, key=lambda each: -each.number):
        ranked.append(_turns(layer, zone, span))
    edges = sorted(
        {starts, ends} | {edge for rank in ranked for s in rank for edge in (s.window.starts, s.window.ends)}
    )
    found: list[Shift] = []
    for first, after in pairwise(edges):
        best = next((s for rank in ranked for s in rank if s.window.starts <= first < s.window.ends), None)
        if best is None:
            continue
        last = found[-1] if found else None
        if last and last.window.ends == first and (last.person, last.layer) == (best.person, best.layer):
            found[-1] = Shift(Interval(last.window.starts, after), best.person, best.layer)
        else:
            found.append(Shift(Interval(first, after), best.person, best.layer))
    return found


def on_call(layers: Sequence[Layer], overrides: Sequence[Override], zone: str, at: datetime) -> Shift | None:
    """The shift of this moment, or None where nobody is on call."""
    found = shifts(layers, overrides, zone, at, at + timedelta(microseconds=1))
    return found[0] if found else None


def _cut(window: Interval, span: Interval) -> Interval:
    return Interval(max(window.starts, span.starts), min(window.ends, span.ends))


def _turns(layer: Layer, zone: str, span: Interval) -> list[Shift]:
    if not layer.people:
        return []
    local = span.starts.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    number = max(0, (local - layer.first) // timedelta(days=layer.turn_days) - 1)
    found = []
    while True:
        begins = utc(layer.first + timedelta(days=number * layer.turn_days), zone)
        if begins >= span.ends:
            return found
        ends = utc(layer.first + timedelta(days=(number + 1) * layer.turn_days), zone)
        turn = Interval(begins, ends)
        if turn.overlaps(span):
            person = layer.people[number % len(layer.people)]
            parts = [_cut(turn, span)]
            if layer.from_time is not None:
                parts = intersected(parts, _hours(layer, zone, span))
            found += [Shift(each, person, layer.number) for each in parts]
        number += 1


def _hours(layer: Layer, zone: str, span: Interval) -> list[Interval]:
    """The hours of the layer on every day of the span; those that pass midnight end on the next day."""
    assert layer.from_time is not None
    assert layer.to_time is not None
    day = span.starts.astimezone(ZoneInfo(zone)).date() - _DAY
    last = span.ends.astimezone(ZoneInfo(zone)).date()
    found = []
    while day <= last:
        end_day = day if layer.to_time > layer.from_time else day + _DAY
        starts = utc(datetime.combine(day, layer.from_time), zone)
        ends = utc(datetime.combine(end_day, layer.to_time), zone)
        if starts < ends:
            found.append(Interval(starts, ends))
        day += _DAY
    return found
