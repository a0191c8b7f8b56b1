"""Drills with what became of their alerts, and how much of each service's monitoring is proven."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from releasetrain.kernel.clock import now
from trains.models import FailureDrill, ObservedAlert, Service
from trains.rules import drills as rules

# Alerts that began before the drill, and may have been firing when it started.
EARLIER = timedelta(days=2)
_CONCLUDED = (FailureDrill.State.PASSED, FailureDrill.State.FAILED)


def alerts_around(drill: FailureDrill) -> QuerySet[ObservedAlert]:
    """Alerts of the drill's service and environment from before it began until now, or until it ended."""
    if drill.started_at is None:
        return ObservedAlert.objects.none()
    rows = ObservedAlert.objects.filter(
        Q(service=drill.service_id) | Q(service__isnull=True),
        Q(environment=drill.environment_id) | Q(environment__isnull=True),
        starts_at__gte=drill.started_at - EARLIER,
        starts_at__lte=until(drill),
    )
    return rows.order_by("starts_at", "pk")


def until(drill: FailureDrill) -> datetime:
    return drill.ended_at or now()


def matches_of(drill: FailureDrill, alerts: Iterable[ObservedAlert] | None = None) -> list[rules.Match]:
    """What became of each alert that must fire."""
    if drill.started_at is None:
        return [rules.Match(each, rules.Fired.AWAITED) for each in rules.stored(drill.expected)]
    rows = alerts_around(drill) if alerts is None else alerts
    seen = [rules.Alert(a, a.name, a.starts_at, a.ends_at, a.labels) for a in rows]
    over = drill.state != FailureDrill.State.RUNNING or drill.ended_at is not None
    return rules.match(rules.stored(drill.expected), seen, drill.started_at, until(drill), over=over)


@dataclass(frozen=True)
class Covered:
    """A service with what is proven of its monitoring."""

    service: Service
    signals: list[rules.Covered]
    share: float
    alerts: int


def coverage_of(services: Iterable[Service], kinds: Iterable[str] | None = None) -> list[Covered]:
    """Monitoring coverage per service, the least covered first."""
    found = list(services)
    ids = [s.pk for s in found]
    drills = FailureDrill.objects.filter(service__in=ids, state__in=_CONCLUDED)
    if kinds is not None:
        drills = drills.filter(environment__kind__in=list(kinds))
    past: dict[Any, list[rules.Past]] = {}
    for pk, service, signal, state, ended in drills.values_list(
        "pk", "service_id", "signal", "state", "ended_at"
    ):
        past.setdefault(service, []).append(rules.Past(pk, signal, state == "passed", ended))
    moment = now()
    recent = ObservedAlert.objects.filter(service__in=ids, starts_at__gte=moment - timedelta(days=30))
    counts: dict[Any, int] = {}
    for service in recent.values_list("service_id", flat=True):
        counts[service] = counts.get(service, 0) + 1
    rows = []
    for service in found:
        signals = rules.coverage(past.get(service.pk, []), moment)
        rows.append(Covered(service, signals, rules.share(signals), counts.get(service.pk, 0)))
    return sorted(rows, key=lambda r: (r.service.tier, r.share, r.service.name))
