"""Lines of the release calendar that trains knows of, and the conflicts between them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Count, F, Q
from django.db.models.functions import TruncDate
from django.utils import timezone

from releasetrain.interface import links
from trains.models import Deployment, Environment, Freeze, Milestone, ProgramIncrement, Release, Train
from trains.ports import EVERYBODY, CalendarEvent
from trains.queries.freezes import freezes_overlapping
from trains.rules.freezes import Window, applies, covers, first_free

# A release is a point in time; on the calendar it takes an hour.
_POINT = timedelta(hours=1)
_OVER = (Release.State.CANCELLED, Release.State.ROLLED_BACK, Release.State.CLOSED)


@dataclass(frozen=True)
class Conflict:
    """A release that is planned into a freeze, and the first moment that is free."""

    release: Release
    freeze: Freeze
    free_from: datetime


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def freezes(starts: datetime, ends: datetime, train: Train | None) -> Iterable[CalendarEvent]:
    """Freezes, with what they are about."""
    for freeze in freezes_overlapping(starts, ends, train):
        about = [str(x) for x in (freeze.environment, freeze.service) if x]
        yield CalendarEvent(
            kind="freeze",
            title=freeze.name,
            starts=freeze.starts,
            ends=freeze.ends,
            lane=freeze.train.name if freeze.train else EVERYBODY,
            url=links.url_for(freeze),
            tone="hold",
            note=", ".join(about) or "everything",
            icon="hold",
        )


def releases(starts: datetime, ends: datetime, train: Train | None) -> Iterable[CalendarEvent]:
    """Releases at their target, or where they went out."""
    rows = _releases_between(starts, ends, train)
    conflicting = {c.release.pk: c for c in conflicts_of(rows, train)}
    for release in rows:
        at = release.released_at or release.target_at
        if at is None:
            continue
        conflict = conflicting.get(release.pk)
        yield CalendarEvent(
            kind="release",
            title=f"{release.key} {release.version}",
            starts=at,
            ends=at + _POINT,
            lane=release.train.name,
            url=links.url_for(release),
            tone="bad" if conflict else "ok" if release.released_at else "info",
            note=f"inside {conflict.freeze.name}" if conflict else release.get_state_display().lower(),
            icon="rocket",
        )


def _releases_between(starts: datetime, ends: datetime, train: Train | None) -> list[Release]:
    out = Q(released_at__gte=starts, released_at__lt=ends)
    planned = Q(released_at__isnull=True, target_at__gte=starts, target_at__lt=ends) & ~Q(state__in=_OVER)
    rows = Release.objects.filter(out | planned)
    if train is not None:
        rows = rows.filter(train=train)
    return list(rows.select_related("train").order_by("target_at", "key"))


def conflicts_between(starts: datetime, ends: datetime, train: Train | None) -> list[Conflict]:
    """Every release due in [starts, ends) whose target lies inside a freeze of production."""
    return conflicts_of(_releases_between(starts, ends, train), train)


def conflicts_of(rows: list[Release], train: Train | None) -> list[Conflict]:
    """Those of the releases that are planned into a freeze of their production."""
    waiting = [(r, r.target_at) for r in rows if r.target_at and not r.released_at]
    if not waiting:
        return []
    moments = [target for _, target in waiting]
    first, last = min(moments), max(moments)
    known = [
        f
        for f in freezes_overlapping(first, last + timedelta(days=180), train)
        if f.service_id is None and (f.environment is None or f.environment.is_production)
    ]
    found = []
    for release, target in waiting:
        mine = {f: Window(f.starts, f.ends, f.train_id) for f in known}
        mine = {
            f: w
            for f, w in mine.items()
            if applies(w, train=release.train_id, environment=None, service=None)
        }
        hit = next((f for f, window in mine.items() if covers(window, target)), None)
        if hit:
            found.append(Conflict(release, hit, first_free(mine.values(), target)))
    return found


def increments(starts: datetime, ends: datetime, train: Train | None) -> Iterable[CalendarEvent]:
    """The first day of each Program Increment."""
    rows = ProgramIncrement.objects.filter(starts__gte=starts.date(), starts__lt=ends.date())
    if train is not None:
        rows = rows.filter(train=train)
    for pi in rows.select_related("train"):
        at = _midnight(pi.starts)
        last = pi.ends - timedelta(days=1)
        yield CalendarEvent(
            kind="pi",
            title=f"{pi} begins",
            starts=at,
            ends=at + timedelta(days=1),
            lane=pi.train.name,
            url=links.url_for(pi),
            note=f"to {last:%d %b}",
            icon="board",
        )


def milestones(starts: datetime, ends: datetime, train: Train | None) -> Iterable[CalendarEvent]:
    """Milestones on their day."""
    rows = Milestone.objects.filter(on__gte=starts.date(), on__lt=ends.date())
    if train is not None:
        rows = rows.filter(train=train)
    for milestone in rows.select_related("train"):
        at = _midnight(milestone.on)
        yield CalendarEvent(
            kind="milestone",
            title=milestone.name,
            starts=at,
            ends=at + timedelta(days=1),
            lane=milestone.train.name,
            url=links.url_for(milestone),
            note=milestone.get_kind_display().lower(),
            icon="milestone",
        )


def deployments(starts: datetime, ends: datetime, train: Train | None) -> Iterable[CalendarEvent]:
    """Deployments to production, one line for each train and day."""
    rows = Deployment.objects.filter(
        started_at__gte=starts, started_at__lt=ends, environment__kind=Environment.Kind.PRODUCTION
    )
    if train is not None:
        rows = rows.filter(service__train=train)
    failed = Q(state__in=(Deployment.State.FAILED, Deployment.State.ROLLED_BACK))
    days = (
        rows.annotate(day=TruncDate("started_at"), lane=F("service__train__name"))
        .values("day", "lane")
        .annotate(n=Count("pk"), failed=Count("pk", filter=failed))
        .order_by("day", "lane")
    )
    for row in days:
        at = _midnight(row["day"])
        word = "deployment" if row["n"] == 1 else "deployments"
        after = at + timedelta(days=1)
        yield CalendarEvent(
            kind="deployment",
            title=f"{row['n']} {word}",
            starts=at,
            ends=after,
            lane=row["lane"] or EVERYBODY,
            url=f"{links.page_root()}deployments/?started_at_from={at.date()}&started_at_before={after.date()}",
            tone="warn" if row["failed"] else "",
            note=f"{row['failed']} failed or rolled back" if row["failed"] else "production",
            icon="server",
        )
