"""Proposed times of ceremonies, what they have cost whom, and how trains drift apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from releasetrain.interface import links
from releasetrain.kernel.clock import now
from trains.models import (
    ProgramIncrement,
    Train,
    TrainMeeting,
    TrainMeetingParty,
    TrainMeetingSlot,
    WorkingHours,
)
from trains.ports import CalendarEvent
from trains.rules import cadence
from trains.rules.ceremonies import Party, Proposal, pain, propose, series
from trains.rules.intervals import Interval

_NINE, _FIVE = time(9), time(17)
_PAST = timedelta(days=366)


@dataclass(frozen=True)
class Drift:
    """The next boundary of a train and how many days it lies after that of the reference train."""

    train: Train
    boundary: date
    days: int
    iteration_days: int


def parties_of(ceremony: TrainMeeting) -> list[Party]:
    """The train's teams and the people asked by name; who set no hours works from nine to five on weekdays."""
    teams = list(ceremony.train.teams.all())
    people = [p.user for p in TrainMeetingParty.objects.filter(ceremony=ceremony).select_related("user")]
    hours = list(WorkingHours.objects.all())
    by_team = {h.team_id: h for h in hours if h.team_id}
    by_user = {h.user_id: h for h in hours if h.user_id}
    found = []
    for name, zone, said in (
        *((t.name, t.time_zone, by_team.get(t.pk)) for t in teams),
        *((str(u), u.time_zone, by_user.get(u.pk)) for u in people),
    ):
        if said:
            found.append(Party(name, said.time_zone, said.days, said.begins, said.finishes))
        else:
            found.append(Party(name, zone, "12345", _NINE, _FIVE))
    return found


def suffered(ceremony: TrainMeeting, parties: list[Party]) -> dict[str, int]:
    """Minutes outside working hours that each party has given to the ceremony in the last year and those planned."""
    slots = TrainMeetingSlot.objects.filter(
        ceremony=ceremony, cancelled_at__isnull=True, starts__gte=now() - _PAST
    )
    windows = [Interval(s.starts, s.ends) for s in slots]
    return {p.name: sum(pain(p, window) for window in windows) for p in parties}


def proposals(ceremony: TrainMeeting, week: date, most: int = 3) -> list[Proposal]:
    """The best times in a week, given who has suffered so far."""
    parties = parties_of(ceremony)
    return propose(parties, week, ceremony.minutes, suffered(ceremony, parties), most)


def plan_ahead(ceremony: TrainMeeting, count: int) -> list[Proposal]:
    """One time for each of the next dates of the ceremony, the pain going round."""
    parties = parties_of(ceremony)
    last = ceremony.slots.filter(cancelled_at__isnull=True).order_by("-starts").first()
    today = now().date()
    step = timedelta(weeks=ceremony.every_weeks)
    first = max(last.starts.date() + step, today) if last else today + timedelta(weeks=1)
    weeks = [first + n * step for n in range(count)]
    return series(parties, weeks, ceremony.minutes, suffered(ceremony, parties))


def drift_of(trains: Iterable[Train], today: date) -> list[Drift]:
    """The next boundary of each train against the earliest one; trains in step differ by no day."""
    rows = list(trains)
    planned: dict[object, date] = {}
    for pi in ProgramIncrement.objects.filter(train__in=rows, starts__gte=today).order_by("-starts"):
        planned[pi.train_id] = pi.starts
    nexts = {
        t.pk: planned.get(t.pk) or cadence.boundary_on_or_after(t.cadence_start, t.pi_weeks, today)
        for t in rows
    }
    if not nexts:
        return []
    reference = min(rows, key=lambda t: (nexts[t.pk], t.key))
    found = []
    for train in sorted(rows, key=lambda t: (nexts[t.pk], t.key)):
        days = (nexts[train.pk] - nexts[reference.pk]).days
        found.append(Drift(train, nexts[train.pk], days, days % (reference.iteration_weeks * 7)))
    return found


def slots(starts: datetime, ends: datetime, train: Train | None) -> Iterable[CalendarEvent]:
    """Lines of the calendar: dates of ceremonies."""
    rows = TrainMeetingSlot.objects.filter(cancelled_at__isnull=True, starts__lt=ends, ends__gt=starts)
    if train is not None:
        rows = rows.filter(ceremony__train=train)
    for slot in rows.select_related("ceremony__train"):
        yield CalendarEvent(
            kind="ceremony",
            title=slot.ceremony.name,
            starts=slot.starts,
            ends=slot.ends,
            lane=slot.ceremony.train.name,
            url=links.url_for(slot.ceremony),
            note="ceremony",
            icon="users",
            source=slot,
        )
