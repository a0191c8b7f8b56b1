"""The portfolio's release load by week: who carries too much when, and what moves would lower the peak."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from releasetrain.kernel.clock import now
from trains.models import AllowedWindow, LoadLimit, Release, Train
from trains.queries.conflicts import releases_between
from trains.queries.windows import services_of
from trains.rules import load as rules

WEEK = timedelta(weeks=1)


@dataclass
class Cell:
    """A carrier's load in one week, with the releases that make it."""

    week: date
    load: int = 0
    releases: list[Release] = field(default_factory=list)
    over: bool = False


@dataclass
class Carrier:
    """A shared service, team or desk with its limit, week by week."""

    limit: LoadLimit
    cells: list[Cell]


@dataclass(frozen=True)
class Proposed:
    """A move of a release to another week: its new target, and what it does to the peak."""

    release: Release
    target: datetime
    relieves: str
    peak: int
    peak_after: int


@dataclass
class Portfolio:
    """The timeline of all trains' releases."""

    weeks: list[date]
    carriers: list[Carrier]
    releases: list[tuple[Release, date, int]]
    proposals: list[Proposed]
    peak: int
    peak_after: int

    @property
    def overloads(self) -> list[tuple[Carrier, Cell]]:
        return [(carrier, cell) for carrier in self.carriers for cell in carrier.cells if cell.over]


def portfolio(first: date, count: int, train: Train | None = None) -> Portfolio:
    """Load, overload and proposed moves of the weeks from the Monday of `first` on."""
    monday = first - timedelta(days=first.weekday())
    weeks = [monday + n * WEEK for n in range(count)]
    starts = datetime.combine(monday, time.min, UTC)
    ends = starts + count * WEEK
    releases = releases_between(starts, ends, train)
    limits = list(LoadLimit.objects.select_related("service", "team", "train"))
    services = services_of(releases)
    loads = {
        r.pk: _loads(r, limits, {*services[r.pk]}, {s.team_id for s in services[r.pk].values()})
        for r in releases
    }
    index = {r.pk: _week(r, starts) for r in releases}
    carriers = {each.name: Carrier(each, [Cell(week) for week in weeks]) for each in limits}
    for release in releases:
        for name, weight in loads[release.pk]:
            cell = carriers[name].cells[index[release.pk]]
            cell.load += weight
            cell.releases.append(release)
    for carrier in carriers.values():
        for cell in carrier.cells:
            cell.over = cell.load > carrier.limit.weekly
    items = _items(releases, index, loads, starts, count)
    ceilings = {each.name: each.weekly for each in limits}
    moves = rules.sequence(items, ceilings)
    by_key = {r.key: r for r in releases}
    targets = {r.key: r.released_at or r.target_at for r in releases}
    proposals = []
    for move in moves:
        before = targets[move.id]
        assert before is not None
        targets[move.id] = before + (move.to - move.week) * WEEK
        proposals.append(
            Proposed(
                by_key[move.id],
                targets[move.id],
                move.relieves,
                _percent(move.peak),
                _percent(move.peak_after),  # type: ignore[arg-type]
            )
        )
    peak = _percent(rules.peak(items, ceilings))
    timeline = [(r, weeks[index[r.pk]], rules.WEIGHTS[r.tier]) for r in releases]
    return Portfolio(
        weeks,
        list(carriers.values()),
        timeline,
        proposals,
        peak,
        proposals[-1].peak_after if proposals else peak,
    )


def _percent(share: object) -> int:
    return round(float(share) * 100)  # type: ignore[arg-type]


def _week(release: Release, starts: datetime) -> int:
    at = release.released_at or release.target_at
    assert at is not None
    return int((at - starts) // WEEK)


def _loads(
    release: Release, limits: list[LoadLimit], services: set[uuid.UUID], teams: set[uuid.UUID | None]
) -> tuple[tuple[str, int], ...]:
    weight = rules.WEIGHTS[release.tier]
    kind = LoadLimit.Kind
    return tuple(
        (each.name, weight)
        for each in limits
        if (each.kind == kind.SERVICE and each.service_id in services)
        or (each.kind == kind.TEAM and each.team_id in teams)
        or (each.kind == kind.DESK and each.train_id in (None, release.train_id))
    )


def _items(
    releases: list[Release],
    index: dict[uuid.UUID, int],
    loads: dict[uuid.UUID, tuple[tuple[str, int], ...]],
    starts: datetime,
    count: int,
) -> list[rules.Item]:
    """A release moves by whole weeks, so its day and time stay; only one that says within which window moves at all."""
    windows = {w.release_id: w for w in AllowedWindow.objects.filter(release__in=releases)}
    moment = now()
    found = []
    for release in releases:
        week = index[release.pk]
        low = high = week
        window = windows.get(release.pk)
        if window and not release.released_at and release.target_at:
            since = max(window.earliest, moment)
            options = [
                n for n in range(count) if since <= release.target_at + (n - week) * WEEK <= window.latest
            ]
            if options:
                low, high = min(options), max(options)
        found.append(rules.Item(release.key, week, low, high, loads[release.pk]))
    return found
