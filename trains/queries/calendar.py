"""Lines of the release calendar that trains knows of, and the conflicts between them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from django.db.models import Count, F, Q
from django.db.models.functions import TruncDate
from django.utils import timezone

from releasetrain.interface import formats, links
from trains.models import Deployment, Environment, Milestone, ProgramIncrement, ScopeChange, Train
from trains.ports import EVERYBODY, CalendarEvent
from trains.queries.conflicts import POINT, Conflict, conflicts_of, releases_between
from trains.queries.freezes import freezes_overlapping

_DAY = timedelta(days=1)


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
            source=freeze,
        )


def releases(starts: datetime, ends: datetime, train: Train | None) -> Iterable[CalendarEvent]:
    """Releases at their target, or where they went out."""
    rows = releases_between(starts, ends, train)
    conflicting: dict[object, list[Conflict]] = {}
    for conflict in conflicts_of(rows):
        conflicting.setdefault(conflict.release.pk, []).append(conflict)
    for release in rows:
        at = release.released_at or release.target_at
        if at is None:
            continue
        hits = conflicting.get(release.pk, [])
        yield CalendarEvent(
            kind="release",
            title=f"{release.key} {release.version}",
            starts=at,
            ends=at + POINT,
            lane=release.train.name,
            url=links.url_for(release),
            tone="bad" if hits else "ok" if release.released_at else "info",
            note=hits[0].short if hits else release.get_state_display().lower(),
            icon="rocket",
            source=release,
            conflict=" ".join(hit.reason for hit in hits),
        )


def scope_changes(starts: datetime, ends: datetime, train: Train | None) -> Iterable[CalendarEvent]:
    """Every change of scope, one line for each release and day."""
    rows = ScopeChange.objects.filter(at__gte=starts, at__lt=ends)
    if train is not None:
        rows = rows.filter(release__train=train)
    days: dict[tuple[object, date], list[ScopeChange]] = {}
    for change in rows.select_related("release__train", "item").order_by("at", "id"):
        days.setdefault((change.release_id, timezone.localtime(change.at).date()), []).append(change)
    for (_, day), changes in days.items():
        release = changes[0].release
        late = any(change.after_baseline for change in changes)
        word = "change" if len(changes) == 1 else "changes"
        yield CalendarEvent(
            kind="scope",
            title=f"{release.key}: {len(changes)} scope {word}",
            starts=_midnight(day),
            ends=_midnight(day + _DAY),
            lane=release.train.name,
            url=links.url_for(release),
            tone="warn" if late else "",
            note="; ".join(scope_sentence(change) for change in changes),
            icon="history",
            source=release,
            days=(day, day + _DAY),
        )


def scope_sentence(change: ScopeChange) -> str:
    """One change of scope in words."""
    cause = f" ({change.cause})" if change.cause else ""
    return f"{change.get_act_display().lower()} {change.item}{cause}"


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
            note=f"to {formats.short_day(last)}",
            icon="board",
            source=pi,
            days=(pi.starts, pi.starts + _DAY),
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
            source=milestone,
            days=(milestone.on, milestone.on + _DAY),
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
