"""Times for meetings across zones: whose working hours they meet, whose they do not, and whose turn it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from .intervals import Interval, intersected
from .recurrence import utc

_STEP = timedelta(minutes=30)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Party:
    """Somebody who should attend: a zone, the days (1 is Monday) and hours of work by its wall clock."""

    name: str
    zone: str
    days: str
    begins: time
    finishes: time


@dataclass(frozen=True)
class Proposal:
    """A slot and the minutes that it costs each party outside their working hours."""

    slot: Interval
    pain: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        return sum(minutes for _, minutes in self.pain)


def working(party: Party, span: Interval) -> list[Interval]:
    """The party's working hours in the span."""
    day = span.starts.astimezone(ZoneInfo(party.zone)).date() - _DAY
    last = span.ends.astimezone(ZoneInfo(party.zone)).date()
    found = []
    while day <= last:
        if str(day.isoweekday()) in party.days:
            starts = utc(datetime.combine(day, party.begins), party.zone)
            ends = utc(datetime.combine(day, party.finishes), party.zone)
            if starts < ends:
                found.append(Interval(starts, ends))
        day += _DAY
    return intersected(found, [span])


def pain(party: Party, slot: Interval) -> int:
    """Minutes of the slot that lie outside the party's working hours."""
    inside = sum((each.length for each in working(party, slot)), timedelta())
    return int((slot.length - inside).total_seconds() // 60)


def propose(
    parties: Sequence[Party], week: date, minutes: int, suffered: Mapping[str, int], most: int = 3
) -> list[Proposal]:
    """The best slots of the week: who has suffered most so far suffers least, then the least pain in sum, then the earliest."""
    monday = datetime.combine(week - timedelta(days=week.weekday()), time.min, UTC)
    ranked = []
    for step in range(int(timedelta(days=5) / _STEP)):
        slot = Interval(monday + step * _STEP, monday + step * _STEP + timedelta(minutes=minutes))
        costs = tuple((p.name, pain(p, slot)) for p in parties)
        worst = max((suffered.get(name, 0) + cost for name, cost in costs), default=0)
        ranked.append(((worst, sum(cost for _, cost in costs), slot.starts), Proposal(slot, costs)))
    ranked.sort(key=lambda each: each[0])
    return [proposal for _, proposal in ranked[:most]]


def series(
    parties: Sequence[Party], weeks: Sequence[date], minutes: int, suffered: Mapping[str, int]
) -> list[Proposal]:
    """One slot for each week; what it costs counts for the weeks after it, so the pain goes round."""
    so_far = dict(suffered)
    found = []
    for week in weeks:
        best = propose(parties, week, minutes, so_far, most=1)[0]
        for name, cost in best.pain:
            so_far[name] = so_far.get(name, 0) + cost
        found.append(best)
    return found
