"""How objectives stand: any number of them in three queries over the series."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from metrics.models import Slo, SloKind
from metrics.rules.budgets import Budget, Slice, budget
from releasetrain.kernel.clock import now
from trains.models import SeriesKind, Service
from trains.queries import series
from trains.rules.series import COARSE, FINE

# The last day is read by five minutes, for rates of burning; what lies before by the hour.
_RECENT = timedelta(hours=24)


def live(services: Iterable[Service] | None = None) -> list[Slo]:
    """The objectives in force, of some services or of all."""
    rows = Slo.objects.filter(retired_at=None).select_related("service", "environment", "owner")
    if services is not None:
        rows = rows.filter(service__in=list(services))
    return list(rows.order_by("service__name", "key"))


def budgets(slos: Sequence[Slo], at: datetime | None = None) -> dict[uuid.UUID, Budget]:
    """The budget of each, by id."""
    at = at or now()
    found = slices(slos, at)
    return {slo.pk: budget(slo.objective, timedelta(days=slo.window_days), found[slo.pk], at) for slo in slos}


def slices(slos: Sequence[Slo], at: datetime) -> dict[uuid.UUID, list[Slice]]:
    """Bad and all events of each objective over its window."""
    asks: list[series.Ask] = []
    meant: list[tuple[Slo, str]] = []
    for slo in slos:
        for role, ask in _asks(slo, at):
            asks.append(ask)
            meant.append((slo, role))
    sums: dict[uuid.UUID, dict[datetime, list[float]]] = {
        slo.pk: defaultdict(lambda: [0.0, 0.0]) for slo in slos
    }
    seen: set[tuple[uuid.UUID, str]] = set()
    for (slo, role), answer in zip(meant, series.many(asks), strict=True):
        for readings in answer.values():
            for reading in readings:
                seen.add((slo.pk, role))
                _add(sums[slo.pk], slo, role, reading)
    return {slo.pk: _slices(slo, sums[slo.pk], (slo.pk, "part") in seen) for slo in slos}


def _asks(slo: Slo, at: datetime) -> list[tuple[str, series.Ask]]:
    start = at - timedelta(days=slo.window_days)
    middle = max(start, (at - _RECENT).replace(minute=0, second=0, microsecond=0))
    what = [("part", slo.series, slo.labels)]
    if slo.kind != SloKind.SLICES:
        what.append(("all", slo.total_series, slo.total_labels))
    found = []
    for role, name, labels in what:
        spans = [(start, at, FINE)]
        if slo.kind != SloKind.SLICES:
            spans = [(start, middle, COARSE), (middle, at, FINE)]
        for since, until, step in spans:
            if since < until:
                ask = series.Ask(slo.service_id, (name,), since, until, labels, slo.environment, step)
                found.append((role, ask))
    return found


def _add(sums: dict[datetime, list[float]], slo: Slo, role: str, reading: series.Reading) -> None:
    """Count the events of one reading: of counters what they grew, of gauges what each point says."""
    if slo.kind == SloKind.SLICES:
        for moment, value in zip(reading.moments, reading.values, strict=True):
            outside = (slo.at_most is not None and value > slo.at_most) or (
                slo.at_least is not None and value < slo.at_least
            )
            sums[moment][0] += outside
            sums[moment][1] += 1
        return
    column = 0 if role == "part" else 1
    if reading.series.kind == SeriesKind.COUNTER:
        events = reading.grown
    else:
        events = [value * count for value, count in zip(reading.values, reading.counts, strict=True)]
    for moment, count in zip(reading.moments, events, strict=True):
        sums[moment][column] += count


def _slices(slo: Slo, sums: dict[datetime, list[float]], part_known: bool) -> list[Slice]:
    found = []
    for moment, (part, total) in sums.items():
        bad = part
        if slo.kind == SloKind.GOOD:
            # Without one value of the good events nobody knows how many were bad.
            if not part_known:
                continue
            bad = max(0.0, total - part)
        if total > 0:
            found.append(Slice(moment, min(bad, total), total))
    return sorted(found, key=lambda each: each.at)
