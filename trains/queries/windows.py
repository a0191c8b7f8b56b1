"""When a release may land: windows of its members, and what stands in its way."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db.models import Q

from releasetrain.interface import links
from trains.models import (
    RecurringWindow,
    Release,
    ReleaseArtifact,
    ReleaseMember,
    Service,
    Train,
    VendorNotice,
    VendorService,
)
from trains.ports import EVERYBODY, CalendarEvent
from trains.queries.freezes import freezes_overlapping
from trains.rules.intervals import Interval
from trains.rules.landing import Landing, Member, Obstacle, land
from trains.rules.recurrence import Recurrence, occurrences

# Far enough for a window that comes once a year.
HORIZON = timedelta(days=400)
Kind = RecurringWindow.Kind


def recurrence_of(window: RecurringWindow) -> Recurrence:
    """The rule of a window, as rules know it."""
    first = datetime.combine(window.first_day, window.first_time)
    return Recurrence(first, timedelta(minutes=window.minutes), window.time_zone, window.rrule)


def services_of(releases: Sequence[Release]) -> dict[uuid.UUID, dict[uuid.UUID, Service]]:
    """The services each release will deploy: those said beforehand and those of its builds."""
    found: dict[uuid.UUID, dict[uuid.UUID, Service]] = {r.pk: {} for r in releases}
    said = ReleaseMember.objects.filter(release__in=found, removed_at__isnull=True).select_related("service")
    carried = ReleaseArtifact.objects.filter(release__in=found).select_related("service")
    for row in (*said, *carried):
        found[row.release_id][row.service_id] = row.service
    return found


class Obstacles:
    """Every window that may stand in a release's way within a span, read once for many releases."""

    def __init__(self, span: Interval):
        self.span = span
        rows = list(
            RecurringWindow.objects.filter(retired_at__isnull=True).select_related(
                "service", "vendor", "environment"
            )
        )
        self._all = [(w, occurrences(recurrence_of(w), span.starts, span.ends)) for w in rows]
        self._freezes = freezes_overlapping(span.starts, span.ends)
        self._notices = list(
            VendorNotice.objects.filter(
                withdrawn_at__isnull=True, starts__lt=span.ends, ends__gt=span.starts
            ).select_related("vendor")
        )
        self._needs: dict[uuid.UUID, set[uuid.UUID]] = {}
        needs = VendorService.objects.filter(removed_at__isnull=True)
        for vendor_id, service_id in needs.values_list("vendor_id", "service_id"):
            self._needs.setdefault(vendor_id, set()).add(service_id)

    def members(self, services: Iterable[Service]) -> list[Member]:
        """The services with their own windows, None where they have none."""
        own: dict[uuid.UUID, list[Interval]] = {}
        for window, times in self._all:
            if window.kind == Kind.DEPLOYMENT:
                own.setdefault(window.service_id, []).extend(times)
        return [
            Member(s.name, tuple(own[s.pk]) if s.pk in own else None)
            for s in sorted(services, key=lambda s: s.name)
        ]

    def against(self, train_id: uuid.UUID, services: Iterable[uuid.UUID]) -> list[tuple[Obstacle, object]]:
        """What a release of the train with these services must avoid, each with the row it comes from."""
        mine = set(services)
        found: list[tuple[Obstacle, object]] = []
        for freeze in self._freezes:
            of_train = freeze.train_id in (None, train_id)
            of_service = freeze.service_id is None or freeze.service_id in mine
            of_place = freeze.environment is None or freeze.environment.is_production
            if of_train and of_service and of_place:
                found.append((Obstacle(freeze.name, Interval(freeze.starts, freeze.ends)), freeze))
        for window, times in self._all:
            if self._concerns(window, train_id, mine):
                found += [(Obstacle(window.name, each), window) for each in times]
        for notice in self._notices:
            if mine & self._needs.get(notice.vendor_id, set()):
                named = f"{notice.vendor}: {notice.title}"
                assert notice.starts is not None
                assert notice.ends is not None
                found.append((Obstacle(named, Interval(notice.starts, notice.ends)), notice))
        return found

    def _concerns(self, window: RecurringWindow, train_id: uuid.UUID, services: set[uuid.UUID]) -> bool:
        if window.kind == Kind.VENDOR:
            return bool(services & self._needs.get(window.vendor_id, set()))
        if window.kind == Kind.MAINTENANCE:
            place = window.environment
            assert place is not None
            return place.is_production and place.train_id in (None, train_id)
        return False


def landing_of(release: Release, *, after: datetime, length: timedelta) -> Landing:
    """The next slot that satisfies every member of the release and meets no freeze or other window."""
    span = Interval(after, after + HORIZON)
    services = services_of([release])[release.pk]
    known = Obstacles(span)
    stops = [obstacle for obstacle, _ in known.against(release.train_id, services)]
    return land(known.members(services.values()), stops, length, span)


def window_events(starts: datetime, ends: datetime, train: Train | None) -> Iterable[CalendarEvent]:
    """Lines of the calendar: each occurrence of windows of services, vendors and environments."""
    rows = RecurringWindow.objects.filter(retired_at__isnull=True)
    if train is not None:
        rows = rows.filter(
            Q(service__train=train)
            | Q(vendor__services__service__train=train, vendor__services__removed_at__isnull=True)
            | Q(environment__train=train)
            | (Q(environment__isnull=False) & Q(environment__train__isnull=True))
        ).distinct()
    for window in rows.select_related("service__train", "vendor", "environment__train"):
        owner = window.service or window.environment
        home = owner.train if owner else None
        for each in occurrences(recurrence_of(window), starts, ends):
            yield CalendarEvent(
                kind=window.kind if window.kind != Kind.DEPLOYMENT else "window",
                title=window.name,
                starts=each.starts,
                ends=each.ends,
                lane=home.name if home else EVERYBODY,
                url=links.url_for(window),
                note=f"{window.get_kind_display().lower()}: {window.service or window.vendor or window.environment}",
                icon="plug",
                source=window,
            )


def notices(starts: datetime, ends: datetime, train: Train | None) -> Iterable[CalendarEvent]:
    """Lines of the calendar: what vendors announced with a window."""
    rows = VendorNotice.objects.filter(withdrawn_at__isnull=True, starts__lt=ends, ends__gt=starts)
    if train is not None:
        rows = rows.filter(
            vendor__services__service__train=train, vendor__services__removed_at__isnull=True
        ).distinct()
    for notice in rows.select_related("vendor"):
        assert notice.starts is not None
        assert notice.ends is not None
        yield CalendarEvent(
            kind="vendor",
            title=f"{notice.vendor}: {notice.title}",
            starts=notice.starts,
            ends=notice.ends,
            lane=EVERYBODY,
            url=links.url_for(notice),
            note=notice.get_kind_display().lower(),
            icon="plug",
            source=notice,
        )
