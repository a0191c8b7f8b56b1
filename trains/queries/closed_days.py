"""Closed days of business calendars, and what of the cadence collides with them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q

from releasetrain.interface import links
from releasetrain.kernel.clock import now
from trains.models import BusinessCalendar, ClosedPeriod, ProgramIncrement, Release, Train
from trains.ports import EVERYBODY, CalendarEvent
from trains.rules import cadence
from trains.rules.closed_days import Closed, nearest_clean
from trains.rules.intervals import Interval
from trains.rules.recurrence import midnight, whole_days

AHEAD = timedelta(days=366)
Kind = BusinessCalendar.Kind


@dataclass(frozen=True)
class ClosedRun:
    """A closed run of days with the calendar and the row it comes from; public holidays come from the calendar."""

    closed: Closed
    calendar: BusinessCalendar
    source: Any

    @property
    def window(self) -> Interval:
        zone = self.calendar.time_zone
        return Interval(midnight(self.closed.first, zone), midnight(self.closed.after, zone))


@dataclass(frozen=True)
class Collision:
    """A boundary or a planned production release on a closed day, and the nearest clean shift."""

    train: Train
    what: str
    day: date
    run: ClosedRun
    subject: Any
    proposed: date | None

    @property
    def shift(self) -> int | None:
        return (self.proposed - self.day).days if self.proposed else None


def unknown_country(country: str, subdivision: str) -> str:
    """Why there are no public holidays of this place; empty where there are."""
    from holidays.utils import list_supported_countries

    known = list_supported_countries()
    if country not in known:
        return f"No public holidays of {country} are known; give an ISO 3166 code such as GB."
    if subdivision and subdivision not in known[country]:
        return f"{country} has no subdivision {subdivision}; it has {', '.join(known[country]) or 'none'}."
    return ""


def closed_runs(starts: date, ends: date, train: Train | None = None) -> list[ClosedRun]:
    """Every closed run that shares a day with [starts, ends): of one train, with those of all, or of any."""
    rows = BusinessCalendar.objects.filter(retired_at__isnull=True)
    if train is not None:
        rows = rows.filter(Q(train__isnull=True) | Q(train=train))
    calendars = {c.pk: c for c in rows.select_related("train")}
    found = []
    for calendar in calendars.values():
        if calendar.kind == Kind.HOLIDAYS:
            found += [ClosedRun(each, calendar, calendar) for each in _holidays(calendar, starts, ends)]
    for period in ClosedPeriod.objects.filter(calendar__in=calendars, removed_at__isnull=True):
        for first, after in whole_days(period.first_day, period.days, period.rrule, starts, ends):
            found.append(ClosedRun(Closed(first, after, period.name), calendars[period.calendar_id], period))
    return sorted(found, key=lambda run: (run.closed.first, run.closed.name))


def _holidays(calendar: BusinessCalendar, starts: date, ends: date) -> Iterable[Closed]:
    import holidays

    days = holidays.country_holidays(
        calendar.country, subdiv=calendar.subdivision or None, years=range(starts.year, ends.year + 1)
    )
    for day, name in sorted(days.items()):
        if starts <= day < ends:
            yield Closed(day, day + timedelta(days=1), name)


def runs_by_train(runs: Iterable[ClosedRun], trains: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[ClosedRun]]:
    """Which runs count for which train."""
    known = list(runs)
    return {pk: [r for r in known if r.calendar.train_id in (None, pk)] for pk in trains}


def cadence_collisions(train: Train | None = None, *, today: date | None = None) -> list[Collision]:
    """A year ahead: each PI boundary and planned production release on a closed day, with the nearest clean shift."""
    day = today or now().date()
    until = day + AHEAD
    rows = Train.objects.filter(archived_at__isnull=True)
    trains = {t.pk: t for t in (rows.filter(pk=train.pk) if train else rows)}
    margin = timedelta(days=70)
    by_train = runs_by_train(closed_runs(day - margin, until + margin, train), trains)
    found: list[Collision] = []
    for each, what, on, subject in (*_boundaries(trains, day, until), *_releases(trains, day, until)):
        closed = by_train[each.pk]
        hits = [run for run in closed if run.closed.covers(on)]
        if hits:
            proposed = nearest_clean(on, [r.closed for r in closed], not_before=day)
            found.append(Collision(each, what, on, hits[0], subject, proposed))
    return sorted(found, key=lambda c: (c.day, c.train.key, c.what))


def _boundaries(trains: dict[uuid.UUID, Train], day: date, until: date) -> list[tuple[Train, str, date, Any]]:
    """Boundaries that are planned, and those that the cadence will make after them."""
    planned: dict[uuid.UUID, list[ProgramIncrement]] = {pk: [] for pk in trains}
    for pi in ProgramIncrement.objects.filter(train__in=trains, ends__gt=day).order_by("starts"):
        planned[pi.train_id].append(pi)
    found: list[tuple[Train, str, date, Any]] = []
    for pk, train in trains.items():
        for pi in planned[pk]:
            if day <= pi.starts < until:
                found.append((train, f"{pi} begins", pi.starts, pi))
        after = max((pi.ends for pi in planned[pk]), default=day)
        boundary = cadence.boundary_on_or_after(train.cadence_start, train.pi_weeks, after)
        while boundary < until:
            found.append((train, "the cadence begins a Program Increment", boundary, train))
            boundary += timedelta(weeks=train.pi_weeks)
    return found


def _releases(trains: dict[uuid.UUID, Train], day: date, until: date) -> list[tuple[Train, str, date, Any]]:
    state = Release.State
    over = (state.CANCELLED, state.ROLLED_BACK, state.CLOSED, state.RELEASED)
    first = datetime(day.year, day.month, day.day, tzinfo=UTC)
    rows = Release.objects.filter(
        train__in=trains, released_at__isnull=True, target_at__gte=first, target_at__lt=first + AHEAD
    ).exclude(state__in=over)
    found = []
    for release in rows.order_by("target_at"):
        train = trains[release.train_id]
        assert release.target_at is not None
        on = release.target_at.astimezone(ZoneInfo(train.time_zone)).date()
        found.append((train, f"{release.key} {release.version} goes to production", on, release))
    return found


def closed_events(starts: datetime, ends: datetime, train: Train | None) -> Iterable[CalendarEvent]:
    """Lines of the calendar: closed days of the business."""
    day = timedelta(days=1)
    for run in closed_runs(starts.date() - day, ends.date() + day, train):
        window = run.window
        if window.starts < ends and window.ends > starts:
            yield CalendarEvent(
                kind="closed",
                title=run.closed.name,
                starts=window.starts,
                ends=window.ends,
                lane=run.calendar.train.name if run.calendar.train else EVERYBODY,
                url=links.url_for(run.source),
                tone="hold" if run.calendar.kind != Kind.HOLIDAYS else "",
                note=f"{run.calendar.get_kind_display().lower()}: {run.calendar}",
                icon="lock",
                source=run.source,
                days=(run.closed.first, run.closed.after),
            )
