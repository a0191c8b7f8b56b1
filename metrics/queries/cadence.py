"""A train's own past for the simulation of other cadences (M5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db.models import Count, Exists, Min, OuterRef, Q

from metrics.queries.dora import Wanted
from metrics.queries.outcomes import ENDED, ended, harmed
from metrics.rules.cadence import LEAST_RELEASES
from metrics.rules.cycle import hours_between
from metrics.rules.periods import Period
from trains.models import Commit, Deployment, Environment, Release, Train

MOST_CHANGES, MOST_BUILDS = 20_000, 2_000
STAGED_WITHIN = timedelta(days=60)
DAY = 24.0


@dataclass(frozen=True, slots=True)
class Cut:
    """A release, or a build of none, as it was: days of release work, what it carried, and whether it went badly."""

    subject: Any
    began: datetime | None
    live: datetime
    days: float | None
    items: int
    changes: int
    bad: bool


@dataclass(frozen=True, slots=True)
class Past:
    """What the simulation starts from. `by_builds`: there are too few releases with a freeze, so builds stand for them."""

    train: Train
    ready: tuple[float, ...]
    leads: tuple[float, ...]
    cuts: tuple[Cut, ...]
    interval: float | None
    by_builds: bool


def past_of(train: Train, period: Period) -> Past:
    """Changes by the moment they were merged, and releases by how long they took; a handful of queries."""
    moments = _merged(train, period)
    cuts = _cuts(train, period)
    by_builds = sum(c.days is not None for c in cuts) < LEAST_RELEASES
    if by_builds:
        cuts = _builds(train, period) or cuts
    live = sorted(c.live for c in cuts)
    gaps = sorted(hours_between(a, b) or 0.0 for a, b in pairwise(live))
    interval = gaps[len(gaps) // 2] / DAY if gaps else None
    ready = tuple((merged - period.start).total_seconds() / 86_400 for merged, _ in moments)
    leads = tuple((there - merged).total_seconds() / 86_400 for merged, there in moments if there >= merged)
    return Past(train, ready, leads, tuple(cuts), interval, by_builds)


def _builds(train: Train, period: Period) -> list[Cut]:
    """Builds by their first deployment before production and their first in it; three queries."""
    rows = (
        ended(period, Wanted(train=str(train.pk)))
        .exclude(version="")
        .annotate(harmed=harmed(), changes=Count("commits"))
        .select_related("service", "environment")
        .order_by("-started_at")
    )
    listed = list(rows[:MOST_BUILDS])
    if not listed:
        return []
    lower = (
        Deployment.objects.filter(
            service__train=train,
            started_at__gte=listed[-1].started_at - STAGED_WITHIN,
            started_at__lt=period.end,
            environment__kind__in=[k for k in Environment.Kind.values if k != Environment.Kind.PRODUCTION],
        )
        .order_by()
        .values_list("service_id", "version")
        .annotate(first=Min("started_at"))
    )
    staged = {(service, version): first for service, version, first in lower}
    found: dict[tuple[Any, str], Cut] = {}
    for d in listed:
        began = staged.get((d.service_id, d.version))
        hours = hours_between(began, d.finished_at)
        bad = d.state != Deployment.State.SUCCEEDED or d.harmed
        found[d.service_id, d.version] = Cut(
            d, began, d.started_at, hours / DAY if hours is not None else None, 0, d.changes, bad
        )
    return sorted(found.values(), key=lambda c: c.live)


def _merged(train: Train, period: Period) -> list[tuple[datetime, datetime]]:
    """When each change of the train's services was merged and first in production, for those merged in the period."""
    rows = (
        Commit.objects.filter(
            service__train=train,
            merged_at__gte=period.start,
            merged_at__lt=period.end,
            deployments__deployment__environment__kind=Environment.Kind.PRODUCTION,
            deployments__deployment__finished_at__isnull=False,
            deployments__deployment__state__in=ENDED,
        )
        .annotate(live=Min("deployments__deployment__finished_at"))
        .order_by("-merged_at")
    )
    return list(rows.values_list("merged_at", "live")[:MOST_CHANGES])


def _cuts(train: Train, period: Period) -> list[Cut]:
    wrong = (
        Deployment.objects.filter(release=OuterRef("pk"), environment__kind=Environment.Kind.PRODUCTION)
        .annotate(harmed=harmed())
        .filter(Q(state__in=[Deployment.State.FAILED, Deployment.State.ROLLED_BACK]) | Q(harmed=True))
    )
    rows = (
        Release.objects.filter(train=train, released_at__gte=period.start, released_at__lt=period.end)
        .annotate(
            bad=Exists(wrong),
            carried=Count("items", filter=Q(items__removed_at__isnull=True), distinct=True),
            changed=Count("deployments__commits__commit", distinct=True),
        )
        .select_related("train")
        .order_by("released_at")
    )
    return [
        Cut(
            r,
            r.frozen_at,
            r.released_at,
            hours / DAY if (hours := hours_between(r.frozen_at, r.released_at)) is not None else None,
            r.carried,
            r.changed,
            r.bad or r.state == Release.State.ROLLED_BACK,
        )
        for r in rows
        if r.released_at is not None
    ]
