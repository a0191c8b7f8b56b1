"""How complete the data behind a figure is: what the metrics cannot see, said beside them (M21)."""

from __future__ import annotations

from dataclasses import dataclass

from metrics.rules.periods import Period
from trains.models import Deployment, Environment, Service

from .dora import Wanted, _filters


@dataclass(frozen=True)
class DataQuality:
    """Counts of the gaps in a period."""

    services: int
    silent_services: int
    deployments: int
    without_commits: int

    @property
    def covered(self) -> float | None:
        """Share of deployments whose commits are known, or None without deployments."""
        return 1 - self.without_commits / self.deployments if self.deployments else None


def data_quality(period: Period, wanted: Wanted) -> DataQuality:
    """The gaps of the period, in three queries."""
    chosen = Deployment.objects.filter(
        environment__kind=Environment.Kind.PRODUCTION, finished_at__gte=period.start, finished_at__lt=period.end,
        **_filters(wanted),
    ).order_by()  # fmt: skip
    services = Service.objects.all()
    if wanted.train:
        services = services.filter(train_id=wanted.train)
    if wanted.team:
        services = services.filter(team_id=wanted.team)
    if wanted.service:
        services = services.filter(pk=wanted.service)
    count = services.count()
    active = chosen.values("service_id").distinct().count()
    total = chosen.exclude(kind=Deployment.Kind.ROLLBACK).count()
    with_commits = (
        chosen.exclude(kind=Deployment.Kind.ROLLBACK)
        .filter(commits__isnull=False)
        .values("id")
        .distinct()
        .count()
    )
    return DataQuality(count, max(0, count - active), total, total - with_commits)
