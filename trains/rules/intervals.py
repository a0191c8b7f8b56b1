"""Half-open intervals [starts, ends): overlap, fullness of what is counted, the nearest free slot, units."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, order=True)
class Interval:
    """From `starts` up to, not including, `ends`."""

    starts: datetime
    ends: datetime

    @property
    def length(self) -> timedelta:
        return self.ends - self.starts

    def overlaps(self, other: Interval) -> bool:
        """Whether they share a moment; one that ends where the other begins does not."""
        return self.starts < other.ends and other.starts < self.ends

    def contains(self, other: Interval) -> bool:
        return self.starts <= other.starts and other.ends <= self.ends


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The same moments as few intervals, in order; neighbours that touch become one."""
    found: list[Interval] = []
    for each in sorted(intervals):
        if found and each.starts <= found[-1].ends:
            found[-1] = Interval(found[-1].starts, max(found[-1].ends, each.ends))
        else:
            found.append(each)
    return found


def intersected(left: Iterable[Interval], right: Iterable[Interval]) -> list[Interval]:
    """The moments that lie in both."""
    ours, theirs = merged(left), merged(right)
    found, i, j = [], 0, 0
    while i < len(ours) and j < len(theirs):
        starts, ends = max(ours[i].starts, theirs[j].starts), min(ours[i].ends, theirs[j].ends)
        if starts < ends:
            found.append(Interval(starts, ends))
        if ours[i].ends <= theirs[j].ends:
            i += 1
        else:
            j += 1
    return found


def full(taken: Iterable[Interval], capacity: int) -> list[Interval]:
    """The moments at which `capacity` or more of the intervals are at once."""
    steps: dict[datetime, int] = {}
    for each in taken:
        steps[each.starts] = steps.get(each.starts, 0) + 1
        steps[each.ends] = steps.get(each.ends, 0) - 1
    found, count, since = [], 0, None
    for moment in sorted(steps):
        count += steps[moment]
        if count >= capacity and since is None:
            since = moment
        elif count < capacity and since is not None:
            found.append(Interval(since, moment))
            since = None
    return found


def nearest_free(
    busy: Iterable[Interval], wanted: Interval, *, earliest: datetime, latest: datetime | None = None
) -> Interval | None:
    """The interval of the wanted length nearest to the wanted one that meets nothing busy; later wins a tie."""
    taken = merged(busy)
    starts = [wanted.starts, earliest, *(each.ends for each in taken)]
    starts += [each.starts - wanted.length for each in taken]
    best: Interval | None = None
    for at in sorted(starts):
        slot = Interval(at, at + wanted.length)
        if at < earliest or (latest is not None and slot.ends > latest):
            continue
        if any(slot.overlaps(each) for each in taken):
            continue
        if best is None or abs(at - wanted.starts) <= abs(best.starts - wanted.starts):
            best = slot
    return best


def units(intervals: Sequence[Interval], capacity: int) -> list[int] | None:
    """A unit from 1 for each interval so that no unit has two at once; None where that takes more units."""
    chosen = [0] * len(intervals)
    free_at: dict[int, datetime] = {}
    for index in sorted(range(len(intervals)), key=lambda i: (intervals[i].starts, i)):
        each = intervals[index]
        unit = next(
            (u for u in range(1, capacity + 1) if u not in free_at or free_at[u] <= each.starts), None
        )
        if unit is None:
            return None
        free_at[unit] = each.ends
        chosen[index] = unit
    return chosen
