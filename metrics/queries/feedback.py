"""Signals of production and the pressure they put on backlog items."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, Min, Sum

from metrics.models import FeedbackCount, FeedbackSignal
from metrics.queries.dora import Wanted
from metrics.rules.signals import MEMORY_DAYS, Count, Pressure, pressure
from planning.models import Feature
from releasetrain.kernel.clock import now


def pressures(features: Iterable[uuid.UUID], moment: datetime) -> dict[uuid.UUID, Pressure]:
    """The pressure on each of the items, in one query."""
    since = moment - timedelta(days=MEMORY_DAYS)
    rows = FeedbackCount.objects.filter(
        signal__feature__in=list(features), at__gt=since, at__lte=moment
    ).order_by()
    counts: dict[uuid.UUID, list[Count]] = defaultdict(list)
    for feature, at, times, severity in rows.values_list("signal__feature_id", "at", "times", "severity"):
        counts[feature].append(Count(at, times, severity))
    found = {pk: pressure(listed, moment) for pk, listed in counts.items()}
    return {pk: each for pk, each in found.items() if each is not None}


def pressure_of_feature(feature: Feature) -> Pressure | None:
    return pressures([feature.pk], now()).get(feature.pk)


@dataclass(frozen=True, slots=True)
class SignalLine:
    """A kind of signal with its counts of a period."""

    signal: FeedbackSignal
    times: int
    worst: int
    last: datetime


def signals_of(start: datetime, end: datetime, wanted: Wanted) -> list[SignalLine]:
    """The kinds that were counted in a period, the most frequent first; two queries."""
    chosen = FeedbackCount.objects.filter(at__gte=start, at__lt=end, **_filters(wanted)).order_by()
    totals = {
        row["signal_id"]: row
        for row in chosen.values("signal_id").annotate(
            times=Sum("times"), worst=Min("severity"), last=Max("at")
        )
    }
    signals = FeedbackSignal.objects.filter(pk__in=totals).select_related("service", "feature__train")
    found = [
        SignalLine(s, totals[s.pk]["times"], totals[s.pk]["worst"], totals[s.pk]["last"]) for s in signals
    ]
    return sorted(found, key=lambda line: (-line.times, line.signal.title))


def weekly(start: datetime, end: datetime, wanted: Wanted) -> list[tuple[datetime, str, int]]:
    """Moment, source and times of every count of a period."""
    chosen = FeedbackCount.objects.filter(at__gte=start, at__lt=end, **_filters(wanted)).order_by("at")
    return list(chosen.values_list("at", "signal__source", "times"))


def _filters(wanted: Wanted) -> dict[str, str]:
    paths = {
        "signal__service__train_id": wanted.train,
        "signal__service__team_id": wanted.team,
        "signal__service_id": wanted.service,
    }
    return {path: value for path, value in paths.items() if value}


def unanswered(lines: Iterable[SignalLine]) -> list[SignalLine]:
    return [line for line in lines if line.signal.feature_id is None]


__all__ = ["SignalLine", "pressure_of_feature", "pressures", "signals_of", "unanswered", "weekly"]
