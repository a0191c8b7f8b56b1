"""Changes of scope as a series, and volatility by release."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Count, F, Q, QuerySet

from trains.models import Release, ScopeChange, Train
from trains.rules.volatility import Change, by_week, volatility

LONGEST = 50


@dataclass(frozen=True)
class OfRelease:
    """One release: items of its baseline, changes after it, and their share in percent."""

    release: Release
    baseline: int
    added: int
    removed: int
    percent: float | None

    @property
    def changes(self) -> int:
        return self.added + self.removed


@dataclass(frozen=True)
class Series:
    """Weeks as (Monday, changes before the baseline, changes after it), and the releases with a baseline."""

    weeks: list[tuple[date, int, int]]
    releases: list[OfRelease]


def series_of(train: Train | None, today: date, weeks: int) -> Series:
    """The last weeks up to the present one, and the latest releases whose scope was frozen."""
    first = today - timedelta(weeks=weeks - 1)
    monday = datetime.combine(first - timedelta(days=first.weekday()), time.min, tzinfo=UTC)
    rows = ScopeChange.objects.filter(at__gte=monday)
    releases = Release.objects.filter(frozen_at__isnull=False)
    if train is not None:
        rows, releases = rows.filter(release__train=train), releases.filter(train=train)
    changes = [Change(at.date(), after) for at, after in rows.values_list("at", "after_baseline")]
    return Series(by_week(changes, first, weeks), volatility_of(releases.order_by("-frozen_at")[:LONGEST]))


def volatility_of(releases: QuerySet[Release]) -> list[OfRelease]:
    """The volatility of each release, in two queries."""
    found = list(releases.select_related("train"))
    counted = {
        row["release"]: row
        for row in ScopeChange.objects.filter(release__in=found)
        .values("release")
        .annotate(
            added=Count("id", filter=Q(after_baseline=True, act="added")),
            removed=Count("id", filter=Q(after_baseline=True, act="removed")),
        )
    }
    items = {
        row["pk"]: row["frozen_items"]
        for row in Release.objects.filter(pk__in=[r.pk for r in found])
        .annotate(
            frozen_items=Count(
                "items",
                filter=Q(items__created_at__lte=F("frozen_at"))
                & (Q(items__removed_at__isnull=True) | Q(items__removed_at__gt=F("frozen_at"))),
            )
        )
        .values("pk", "frozen_items")
    }
    lines = []
    for release in found:
        row = counted.get(release.pk, {})
        added, removed, baseline = row.get("added", 0), row.get("removed", 0), items.get(release.pk, 0)
        lines.append(OfRelease(release, baseline, added, removed, volatility(baseline, added + removed)))
    return lines
