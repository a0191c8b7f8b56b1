"""How complete the data behind a figure is: what the metrics cannot see, said beside them (M21)."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q

from metrics.rules.dora import LinkKind, LinkStatus, Purpose
from metrics.rules.periods import Period
from metrics.rules.rollup import Rolled, chosen_of
from problems.models import FailureLink, Incident, ProblemIncident

from .dora import Wanted
from .rollup import services_of

FORWARD = frozenset(Purpose) - {Purpose.ROLLBACK}


@dataclass(frozen=True)
class DataQuality:
    """Counts of the gaps in a period."""

    services: int
    silent_services: int
    deployments: int
    without_commits: int
    incidents: int
    without_cause: int

    @property
    def covered(self) -> float | None:
        """Share of deployments whose commits are known, or None without deployments."""
        return 1 - self.without_commits / self.deployments if self.deployments else None


def data_quality(cells: Rolled, period: Period, wanted: Wanted) -> DataQuality:
    """The gaps of the period, in two queries beside the cells."""
    services = services_of(wanted)
    forward = chosen_of(cells, FORWARD)
    total, known = cells.total("deployments", forward), cells.total("known_commits", forward)
    active = {
        service
        for service, count in zip(cells.services, cells.counts["deployments"].tolist(), strict=True)
        if count
    }
    count = services.count()
    incidents = incidents_of(period, wanted)
    told, causeless = incidents.count(), incidents.filter(without_cause()).count()
    return DataQuality(count, max(0, count - len(active)), total, total - known, told, causeless)


def incidents_of(period: Period, wanted: Wanted):  # type: ignore[no-untyped-def]
    """Incidents detected in the period that touched the services asked for."""
    found = Incident.objects.filter(detected_at__gte=period.start, detected_at__lt=period.end).order_by()
    if wanted.train or wanted.team or wanted.service:
        found = found.filter(services__service__in=services_of(wanted)).distinct()
    return found


def without_cause() -> Q:
    """Neither laid to a deployment, nor part of a problem."""
    caused = FailureLink.objects.filter(
        incident=OuterRef("pk"), kind=LinkKind.CAUSED.value, status=LinkStatus.ACCEPTED.value
    )
    return Q(~Exists(caused), ~Exists(ProblemIncident.objects.filter(incident=OuterRef("pk"))))
