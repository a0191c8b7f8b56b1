"""A train's own past for the simulation of other cadences (M5)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db.models import Count, Exists, Min, OuterRef, Q

from metrics.queries.dora import Wanted, text_of
from metrics.queries.outcomes import ended, harmed
from metrics.rules.cadence import LEAST_RELEASES
from metrics.rules.cycle import hours_between
from metrics.rules.periods import Period
from trains.models import Deployment, DeploymentCommit, Environment, Release, Train

MOST_DEPLOYMENTS = 1_000
STAGED_WITHIN = timedelta(days=60)
DAY = 24.0


@dataclass(slots=True)
class Live:
    """A production deployment; ids as text, because making thousands of objects costs more than the query."""

    id: str
    service: str
    version: str
    state: str
    started_at: datetime
    finished_at: datetime
    harmed: bool
    changes: int = 0


@dataclass(frozen=True, slots=True)
class Cut:
    """A release, or a build of none, as it was: days of release work, what it carried, and whether it went badly.
    `subject` is the id of the release, or of the build's latest deployment."""

    subject: str
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
    cut: bool = False


def past_of(train: Train, period: Period) -> Past:
    """Changes by the moment they were merged, and releases by how long they took; a handful of queries."""
    deployments = _deployments(train, period)
    moments = _merged(deployments, period)
    cuts = _cuts(train, period)
    by_builds = sum(c.days is not None for c in cuts) < LEAST_RELEASES
    if by_builds:
        cuts = _builds(deployments, train, period) or cuts
    live = sorted(c.live for c in cuts)
    gaps = sorted(hours_between(a, b) or 0.0 for a, b in pairwise(live))
    interval = gaps[len(gaps) // 2] / DAY if gaps else None
    ready = tuple((merged - period.start).total_seconds() / 86_400 for merged, _ in moments)
    leads = tuple((there - merged).total_seconds() / 86_400 for merged, there in moments if there >= merged)
    return Past(train, ready, leads, tuple(cuts), interval, by_builds, len(deployments) == MOST_DEPLOYMENTS)


def _deployments(train: Train, period: Period) -> list[Live]:
    """The latest production deployments of the train's services in the period."""
    rows = ended(period, Wanted(train=str(train.pk))).annotate(harmed=harmed())
    found = rows.order_by("-started_at", "-pk").values_list(
        text_of("id"), text_of("service_id"), "version", "state", "started_at", "finished_at", "harmed"
    )
    return [Live(*row) for row in found[:MOST_DEPLOYMENTS]]


def _merged(deployments: list[Live], period: Period) -> list[tuple[datetime, datetime]]:
    """When each change of these deployments was merged and first in production, for those merged since the first of them."""
    if not deployments:
        return []
    first: dict[str, tuple[datetime, datetime]] = {}
    since = (
        max(period.start, deployments[-1].started_at)
        if len(deployments) == MOST_DEPLOYMENTS
        else period.start
    )
    live = {d.id: d for d in deployments}
    carried: Counter[str] = Counter()
    rows = DeploymentCommit.objects.filter(deployment__in=[d.id for d in deployments]).order_by()
    for deployment, commit, merged in rows.values_list(
        text_of("deployment_id"), text_of("commit_id"), "commit__merged_at"
    ):
        carried[deployment] += 1
        there = live[deployment].finished_at
        if merged is not None and merged >= since and (commit not in first or there < first[commit][1]):
            first[commit] = merged, there
    for deployment in deployments:
        deployment.changes = carried[deployment.id]
    return sorted(first.values())


def _builds(deployments: list[Live], train: Train, period: Period) -> list[Cut]:
    """Builds by their first deployment before production and their first in it; one query more."""
    listed = [d for d in deployments if d.version]
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
        .values_list(text_of("service_id"), "version")
        .annotate(first=Min("started_at"))
    )
    staged = {(service, version): first for service, version, first in lower}
    found: dict[tuple[Any, str], Cut] = {}
    for d in listed:
        began = staged.get((d.service, d.version))
        hours = hours_between(began, d.finished_at)
        bad = d.state != Deployment.State.SUCCEEDED or d.harmed
        found[d.service, d.version] = Cut(
            d.id,
            began,
            d.started_at,
            hours / DAY if hours is not None else None,
            0,
            d.changes,
            bad,
        )
    return sorted(found.values(), key=lambda c: c.live)


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
        .order_by("released_at")
    )
    return [
        Cut(
            str(r.pk),
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
