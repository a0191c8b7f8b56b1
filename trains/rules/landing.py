"""Where a release can land: the first window that satisfies all its members, or who makes that impossible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .intervals import Interval, intersected, merged


@dataclass(frozen=True)
class Member:
    """A service of the release; without windows of its own it can be deployed at any time."""

    name: str
    windows: tuple[Interval, ...] | None = None


@dataclass(frozen=True)
class Obstacle:
    """A window in which the release must not land, and what it is."""

    name: str
    window: Interval


@dataclass(frozen=True)
class Landing:
    """The slot, or the sentence that says which member makes it impossible."""

    slot: Interval | None
    impossible: str = ""
    member: str = ""


def free_of(obstacles: Sequence[Obstacle], span: Interval) -> list[Interval]:
    """The span without the obstacles."""
    free, at = [], span.starts
    for busy in merged(o.window for o in obstacles):
        if busy.starts > at:
            free.append(Interval(at, min(busy.starts, span.ends)))
        at = max(at, busy.ends)
        if at >= span.ends:
            break
    if at < span.ends:
        free.append(Interval(at, span.ends))
    return [each for each in free if each.starts < each.ends]


def land(
    members: Sequence[Member], obstacles: Sequence[Obstacle], length: timedelta, span: Interval
) -> Landing:
    """The earliest slot of the length in the span that lies in a window of every member and in no obstacle."""
    slot = _first(members, free_of(obstacles, span), length)
    if slot:
        return Landing(slot)
    minutes = int(length.total_seconds() // 60)
    until = f"until {span.ends:%Y-%m-%d}"
    for member in members:
        own = _fitting(_common([member], [span]), length)
        if not own:
            return Landing(None, f"{member.name} has no window of {minutes} minutes {until}.", member.name)
    for member in members:
        if member.windows is not None and not _first([member], free_of(obstacles, span), length):
            first = _fitting(_common([member], [span]), length)[0]
            why = next(o.name for o in obstacles if o.window.overlaps(first))
            sentence = f"Every window of {member.name} {until} is blocked, the next by {why}."
            return Landing(None, sentence, member.name)
    for member in members:
        others = _first([m for m in members if m is not member], free_of(obstacles, span), length)
        if others and member.windows is not None:
            own = _first([member], free_of(obstacles, span), length)
            next_own = f"; its own next window is {own.starts:%Y-%m-%d %H:%M} UTC" if own else ""
            sentence = (
                f"{member.name} shares no window with the others {until}: without it {others.starts:%Y-%m-%d %H:%M} UTC"
                f" would do{next_own}."
            )
            return Landing(None, sentence, member.name)
    windowed = [m for m in members if m.windows is not None]
    for i, one in enumerate(windowed):
        for other in windowed[i + 1 :]:
            if not _first([one, other], free_of(obstacles, span), length):
                sentence = f"{one.name} and {other.name} share no window of {minutes} minutes {until}."
                return Landing(None, sentence, one.name)
    names = ", ".join(m.name for m in windowed) or "no member"
    return Landing(None, f"Freezes and other windows leave no room {until} for {names}.")


def allowed(members: Sequence[Member], at: datetime) -> list[str]:
    """The members in none of whose windows the moment lies."""
    return [
        m.name
        for m in members
        if m.windows is not None and not any(w.starts <= at < w.ends for w in m.windows)
    ]


def nearest(
    members: Sequence[Member], obstacles: Sequence[Obstacle], wanted: Interval, span: Interval
) -> Interval | None:
    """The slot nearest to the wanted one in a window of every member and in no obstacle; the later of two as near."""
    best: Interval | None = None
    for room in _fitting(_common(members, free_of(obstacles, span)), wanted.length):
        at = min(max(wanted.starts, room.starts), room.ends - wanted.length)
        if best is None or abs(at - wanted.starts) <= abs(best.starts - wanted.starts):
            best = Interval(at, at + wanted.length)
    return best


def _common(members: Sequence[Member], room: list[Interval]) -> list[Interval]:
    for member in members:
        if member.windows is not None:
            room = intersected(room, member.windows)
    return room


def _fitting(room: list[Interval], length: timedelta) -> list[Interval]:
    return [each for each in room if each.length >= length]


def _first(members: Sequence[Member], room: list[Interval], length: timedelta) -> Interval | None:
    fitting = _fitting(_common(members, room), length)
    return Interval(fitting[0].starts, fitting[0].starts + length) if fitting else None
