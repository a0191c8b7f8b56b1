"""What is shared and limits a plan: freezes, releases that run into them, deliveries of other trains, bookings."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from planning.ports import BAD, HOLD, WARN, SharedMark, shared_resources
from releasetrain.interface import links
from trains.models import Booking, Environment, Freeze, ProgramIncrement, Release, ScopeItem, TrainDependency
from trains.queries.freezes import freezes_overlapping

_AHEAD = ("planning", "scoped", "frozen", "ready", "approved", "deploying")
_DAY = timedelta(days=1)
_DELIVERY = {
    "proposed": (WARN, "not agreed yet"),
    "at_risk": (WARN, "at risk"),
    "broken": (BAD, "will not come in time"),
}


@shared_resources
def freezes(pi: ProgramIncrement) -> Iterator[SharedMark]:
    """Each freeze of the train's days, and each release whose day lies inside one."""
    zone = ZoneInfo(pi.train.time_zone)
    starts, ends = (datetime.combine(day, time(), zone) for day in (pi.starts, pi.ends))
    found = freezes_overlapping(starts, ends, pi.train)
    if not found:
        return
    for freeze in found:
        first, after = _days(freeze.starts, freeze.ends, zone)
        what = freeze.service or freeze.environment or "everything"
        yield SharedMark(
            freeze.name,
            f"Freeze “{freeze.name}”: no deployment of {what} from {_day(first)} to {_day(after - _DAY)}.",
            first,
            after,
            HOLD,
            links.url_for(freeze),
        )
    stopping = [f for f in found if _stops_production(f)]
    if stopping:
        yield from _stopped_releases(pi, stopping, zone)


def _stops_production(freeze: Freeze) -> bool:
    environment = freeze.environment
    return freeze.service_id is None and (
        environment is None or environment.kind == Environment.Kind.PRODUCTION
    )


def _stopped_releases(pi: ProgramIncrement, found: list[Freeze], zone: ZoneInfo) -> Iterator[SharedMark]:
    releases = [
        (release, release.target_at, freeze)
        for release in Release.objects.filter(train=pi.train_id, state__in=_AHEAD, target_at__isnull=False)
        for freeze in found
        if release.target_at and freeze.starts <= release.target_at < freeze.ends
    ]
    inside = _features_of([release.pk for release, _, _ in releases])
    for release, target, freeze in releases:
        day = target.astimezone(zone).date()
        yield SharedMark(
            f"{release.version} in {freeze.name}",
            f"Release {release.version} is to go live on {day:%-d %b}, inside the freeze “{freeze.name}”.",
            day,
            day + _DAY,
            BAD,
            links.url_for(release),
            inside[release.pk],
        )


def _features_of(releases: list[uuid.UUID]) -> dict[uuid.UUID, frozenset[uuid.UUID]]:
    """The features in the scope of each release."""
    found: dict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
    if releases:
        rows = ScopeItem.objects.filter(
            release__in=releases, source_kind="feature", removed_at__isnull=True
        ).values_list("release_id", "source_id")
        for release, feature in rows:
            found[release].add(feature)
    return defaultdict(frozenset, {release: frozenset(features) for release, features in found.items()})


@shared_resources
def deliveries(pi: ProgramIncrement) -> Iterator[SharedMark]:
    """What this train awaits of others within the increment, unless it is agreed or there."""
    rows = (
        TrainDependency.objects.filter(
            consumer=pi.train_id, needed_by__gte=pi.starts, needed_by__lt=pi.ends, state__in=list(_DELIVERY)
        )
        .select_related("provider", "release")
        .order_by("needed_by", "id")
    )
    awaited = list(rows)
    inside = _features_of([each.release_id for each in awaited if each.release_id])
    for each in awaited:
        tone, words = _DELIVERY[each.state]
        yield SharedMark(
            f"{each.provider.name}: {each.what}",
            f"{each.what} of {each.provider.name} is needed by {_day(each.needed_by)}: {words}.",
            each.needed_by,
            each.needed_by + _DAY,
            tone,
            links.url_for(each),
            inside[each.release_id] if each.release_id else frozenset(),
        )


@shared_resources
def bookings(pi: ProgramIncrement) -> Iterator[SharedMark]:
    """What the train's releases have booked, and where one of them waits because another release has it."""
    zone = ZoneInfo(pi.train.time_zone)
    starts, ends = (datetime.combine(day, time(), zone) for day in (pi.starts, pi.ends))
    own = list(
        Booking.objects.filter(
            release__train=pi.train_id, state__in=["booked", "queued"], starts__lt=ends, ends__gt=starts
        )
        .select_related("resource", "release")
        .order_by("starts", "key")
    )
    waiting = [each for each in own if each.state == Booking.State.QUEUED]
    rivals: dict[uuid.UUID, list[Booking]] = defaultdict(list)
    if waiting:
        taken = Booking.objects.filter(
            resource__in={each.resource_id for each in waiting},
            state="booked",
            starts__lt=ends,
            ends__gt=starts,
        )
        for rival in taken.select_related("release__train").order_by("starts", "key"):
            rivals[rival.resource_id].append(rival)
    inside = _features_of([each.release_id for each in own])
    for each in own:
        first, after = _days(each.starts, each.ends, zone)
        when = f"{_day(first)} to {_day(after - _DAY)}"
        queued = each.state == Booking.State.QUEUED
        sentence = f"{each.resource.name} is booked by release {each.release.version} from {when}."
        if queued:
            ahead = [r for r in rivals[each.resource_id] if r.starts < each.ends and r.ends > each.starts]
            names = ", ".join(f"{r.release.train.name} {r.release.version}" for r in ahead)
            has = f" {names} {'has' if len(ahead) == 1 else 'have'} it." if ahead else ""
            sentence = f"Release {each.release.version} waits for {each.resource.name} from {when}.{has}"
        yield SharedMark(
            f"{each.resource.name}: {each.release.version}",
            sentence,
            first,
            after,
            BAD if queued else HOLD,
            links.url_for(each),
            inside[each.release_id],
        )


def _day(day: date) -> str:
    return f"{day:%-d %b}"


def _days(starts: datetime, ends: datetime, zone: ZoneInfo) -> tuple[date, date]:
    """The days that a window [starts, ends) touches: the first, and the one after the last."""
    last = (ends - timedelta(microseconds=1)).astimezone(zone).date()
    return starts.astimezone(zone).date(), last + _DAY
