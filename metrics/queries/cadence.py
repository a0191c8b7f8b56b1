"""A train's own past for the simulation of other cadences (M5)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from django.db.models import Count, Exists, Min, OuterRef, Q

from metrics.queries.outcomes import ENDED, harmed
from metrics.rules.cycle import hours_between
from metrics.rules.periods import Period
from trains.models import Commit, Deployment, Environment, Release, Train

MOST_CHANGES = 20_000
DAY = 24.0


@dataclass(frozen=True, slots=True)
class Cut:
    """A release as it was: from freeze to production in days, how many items it carried, and whether it went badly."""

    release: Release
    days: float | None
    items: int
    changes: int
    bad: bool


@dataclass(frozen=True, slots=True)
class Past:
    """What the simulation starts from."""

    train: Train
    ready: tuple[float, ...]
    unit: str
    leads: tuple[float, ...]
    cuts: tuple[Cut, ...]
    interval: float | None
    cut_off: bool


def past_of(train: Train, period: Period) -> Past:
    """Changes by the moment they were merged, and releases by how long they took; four queries."""
    moments = _merged(train.pk, period)
    cuts = _cuts(train, period)
    live = sorted(c.release.released_at for c in cuts if c.release.released_at)
    gaps = sorted(hours_between(a, b) or 0.0 for a, b in pairwise(live))
    interval = gaps[len(gaps) // 2] / DAY if gaps else None
    ready = tuple((merged - period.start).total_seconds() / 86_400 for merged, _ in moments)
    leads = tuple((there - merged).total_seconds() / 86_400 for merged, there in moments if there >= merged)
    return Past(train, ready, "merged changes", leads, tuple(cuts), interval, len(moments) == MOST_CHANGES)


def _merged(train: uuid.UUID, period: Period) -> list[tuple[datetime, datetime]]:
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
            hours / DAY if (hours := hours_between(r.frozen_at, r.released_at)) is not None else None,
            r.carried,
            r.changed,
            r.bad or r.state == Release.State.ROLLED_BACK,
        )
        for r in rows
    ]
