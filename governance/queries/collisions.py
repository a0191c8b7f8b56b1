"""What a change reaches over the configuration graph, and what it meets on the calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from governance.models import ChangeRequest
from releasetrain.kernel.clock import now
from trains.models import ConfigurationItem, Service
from trains.queries.conflicts import AROUND
from trains.queries.impact import Impact, impact_of
from trains.queries.windows import Obstacles
from trains.rules.intervals import Interval
from trains.rules.landing import Obstacle, nearest

from .risk import services_of

# How many changes of the same time are walked from, one by one.
MOST_WALKED = 20
OVER = ("cancelled", "rejected", "closed", "completed", "expired")


@dataclass(frozen=True)
class Collision:
    """Something in the change's window that stands in its way: what, why, and over which items."""

    sentence: str
    object: Any
    tone: str
    why: str = ""


@dataclass(frozen=True)
class Meeting:
    """All that a change meets, and the nearest window of its length in which it meets nothing."""

    collisions: tuple[Collision, ...]
    free: Interval | None


NOTHING = Meeting((), None)


def items_of(change: ChangeRequest, services: list[Service]) -> list[ConfigurationItem]:
    """The items that change: those its author names, and those that stand for its services."""
    rows = ConfigurationItem.objects.filter(Q(key__in=change.affected) | Q(service__in=services))
    return list(rows.exclude(state=ConfigurationItem.State.RETIRED).select_related("service").order_by("key"))


def reach_of(change: ChangeRequest) -> Impact | None:
    """Every item the change touches or reaches, with the way there; None where no item is known."""
    items = items_of(change, services_of(change))
    return impact_of(items) if items else None


def meets(change: ChangeRequest) -> Meeting:
    """Freezes, windows, and other changes over the graph; with the nearest free slot where there is any."""
    if change.window_starts is None or change.window_ends is None:
        return NOTHING
    window = Interval(change.window_starts, change.window_ends)
    services = services_of(change)
    train_id = _train_of(change)
    span = Interval(window.starts - AROUND, window.ends + AROUND)
    known = Obstacles(span)
    against = known.against(train_id, [s.pk for s in services]) if train_id else []
    found = [
        Collision(f"Inside {o.name}", source, "hold", f"until {o.window.ends:%Y-%m-%d %H:%M} UTC")
        for o, source in against
        if o.window.overlaps(window)
    ]
    others = _others(change, span)
    near = [o for o in others if Interval(o.window_starts, o.window_ends).overlaps(window)]
    ways = _ways(change, services, others) if others else {}
    ways |= _reached_by([o for o in near if o.pk not in ways][:MOST_WALKED], items_of(change, services))
    found += [
        Collision(f"Overlaps {o.key}", o, "bad", _why(change, o, ways.get(o.pk, "")))
        for o in near
        if o.pk in ways
    ]
    if not found:
        return NOTHING
    stops = [o for o, _ in against]
    stops += [Obstacle(o.key, Interval(o.window_starts, o.window_ends)) for o in others if o.pk in ways]
    room = Interval(max(span.starts, min(now(), window.starts)), span.ends)
    return Meeting(tuple(found), nearest(known.members(services), stops, window, room))


def _train_of(change: ChangeRequest) -> UUID | None:
    if change.release is not None:
        return change.release.train_id
    return change.service.train_id if change.service is not None else None


def _others(change: ChangeRequest, span: Interval) -> list[ChangeRequest]:
    """Other changes that are still ahead or under way within the span."""
    rows = ChangeRequest.objects.filter(
        window_starts__lt=span.ends, window_ends__gt=max(span.starts, now() - timedelta(days=1))
    )
    return list(
        rows.exclude(pk=change.pk)
        .exclude(state__in=OVER)
        .select_related("release__train", "service__train")
        .order_by("window_starts", "key")[:500]
    )


def _ways(change: ChangeRequest, services: list[Service], others: list[ChangeRequest]) -> dict[UUID, str]:
    """The changes that touch what this one touches or reaches, each with the way there in words."""
    mine = {s.pk: s.name for s in services}
    items = items_of(change, services)
    reach = {w.item.pk: w for w in impact_of(items)} if items else {}
    keys = {w.item.key: w for w in reach.values()}
    by_service = {w.item.service_id: w for w in reach.values() if w.item.service_id}
    theirs = _services_of_releases([o for o in others if o.release_id])
    found: dict[UUID, str] = {}
    train = _train_of(change)
    for other in others:
        touched = theirs.get(other.release_id, {}) if other.release_id else {}
        if other.service is not None:
            touched = {**touched, other.service_id: other.service.name}
        same = [name for pk, name in touched.items() if pk in mine]
        way = next((keys[k] for k in other.affected if k in keys), None)
        way = way or next((by_service[pk] for pk in touched if pk in by_service), None)
        if same:
            found[other.pk] = f"both touch {', '.join(sorted(same))}"
        elif way is not None:
            found[other.pk] = way.sentence if way.hops else f"both touch {way.item.name}"
        elif change.release_id and other.release_id and train is not None and _train_of(other) == train:
            found[other.pk] = f"both are releases of {other.release.train}"
    return found


def _reached_by(others: list[ChangeRequest], mine: list[ConfigurationItem]) -> dict[UUID, str]:
    """The other direction: changes at the same time that reach what this one touches."""
    if not mine:
        return {}
    found: dict[UUID, str] = {}
    wanted = {item.pk for item in mine}
    for other in others:
        items = items_of(other, services_of(other))
        way = next((w for w in impact_of(items) if w.item.pk in wanted), None) if items else None
        if way is not None:
            found[other.pk] = way.sentence
    return found


def _services_of_releases(changes: list[ChangeRequest]) -> dict[UUID, dict[UUID, str]]:
    from trains.queries.windows import services_of as of_releases

    found = of_releases([c.release for c in changes if c.release is not None])
    return {release: {pk: s.name for pk, s in services.items()} for release, services in found.items()}


def _why(change: ChangeRequest, other: ChangeRequest, way: str) -> str:
    when = f"{other.window_starts:%d %b %H:%M} to {other.window_ends:%d %b %H:%M} UTC"
    return f"{way}; its window is {when}"


def plain_collisions(met: Meeting) -> list[dict[str, Any]]:
    """As kept on the change: what it met when it was submitted."""
    free = [met.free.starts.isoformat(), met.free.ends.isoformat()] if met.free else None
    return [
        {"sentence": c.sentence, "about": str(c.object), "why": c.why, "free": free} for c in met.collisions
    ]
