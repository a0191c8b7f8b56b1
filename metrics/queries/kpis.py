"""Values of indicators: the facts of a period put into their formulas."""

from __future__ import annotations

import math
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from governance.expressions import evaluator
from governance.models import ChangeRequest
from metrics.models import Kpi
from metrics.rules.formulas import COUNTS, met, series_in
from problems.models import IncidentService, Problem
from releasetrain.kernel.clock import now
from reviews.models import Review
from trains.models import Deployment, Environment, Release
from trains.queries import series


@dataclass(frozen=True)
class Value:
    """What an indicator is in a period; without a value, why."""

    start: datetime
    end: datetime
    value: float | None
    reason: str = ""
    met: bool | None = None


def live() -> list[Kpi]:
    """The indicators in use."""
    return list(Kpi.objects.filter(retired_at=None).select_related("owner", "service").order_by("key"))


def values(kpis: Sequence[Kpi], periods: int = 1, at: datetime | None = None) -> dict[uuid.UUID, list[Value]]:
    """The value of each in its last periods, the latest last."""
    at = at or now()
    asked = [
        (kpi, at - timedelta(days=kpi.period_days) * (back + 1), at - timedelta(days=kpi.period_days) * back)
        for kpi in kpis
        for back in reversed(range(periods))
    ]
    asks = [
        series.Ask(kpi.service_id, tuple(series_in(kpi.formula)), start, end) for kpi, start, end in asked
    ]
    wanted = [index for index, ask in enumerate(asks) if ask.names]
    answers = dict(zip(wanted, series.many([asks[index] for index in wanted]), strict=True))
    counted = _Counts(kpis, min((start for _, start, _ in asked), default=at), at)
    found: dict[uuid.UUID, list[Value]] = {kpi.pk: [] for kpi in kpis}
    for index, (kpi, start, end) in enumerate(asked):
        document = {
            "series": {
                name: _facts(readings) for name, readings in answers.get(index, {}).items() if readings
            },
            "counts": counted.between(kpi.service_id, start, end),
            "days": float(kpi.period_days),
        }
        found[kpi.pk].append(_value(kpi, start, end, document))
    return found


def _value(kpi: Kpi, start: datetime, end: datetime, document: dict[str, Any]) -> Value:
    silent = [name for name in series_in(kpi.formula) if name not in document["series"]]
    if silent:
        return Value(start, end, None, f"No value of {', '.join(silent)} in the period.")
    try:
        value = evaluator.number(kpi.formula, document)
    except evaluator.NoAnswer as why:
        return Value(start, end, None, str(why))
    return Value(start, end, value, met=met(value, kpi.target, kpi.direction))


def _facts(readings: Iterable[series.Reading]) -> dict[str, float]:
    """What a formula may ask of the series of one name."""
    import numpy as np

    readings = list(readings)
    numbers = series.numbers(readings)
    weights = [count for reading in readings for count in reading.counts] or [1] * len(numbers)
    pairs = list(zip((v for r in readings for v in r.values), weights, strict=True))
    points = sum(weight for _, weight in pairs)
    total = math.fsum(value * weight for value, weight in pairs)
    return {
        "mean": total / points,
        "sum": total,
        "min": min((low for r in readings for low in (r.lows or r.values)), default=0.0),
        "max": max((high for r in readings for high in (r.highs or r.values)), default=0.0),
        "last": numbers[-1],
        "p50": float(np.percentile(numbers, 50)),
        "p95": float(np.percentile(numbers, 95)),
        "points": float(points),
        "increase": math.fsum(r.increase for r in readings),
    }


class _Counts:
    """What happened, by moment and service: one query for each kind, however many periods are asked for."""

    def __init__(self, kpis: Sequence[Kpi], start: datetime, end: datetime):
        self._rows: dict[str, list[tuple[datetime, uuid.UUID | None]]] = {}
        if not any("counts" in kpi.formula for kpi in kpis):
            return
        production = Environment.objects.filter(kind=Environment.Kind.PRODUCTION)
        deployed = Deployment.objects.filter(
            environment__in=production, finished_at__gte=start, finished_at__lt=end
        ).order_by()
        rows = list(deployed.values_list("finished_at", "service_id", "state", "emergency"))
        states = Deployment.State
        self._rows["deployments"] = [(at, of) for at, of, _, _ in rows]
        self._rows["failed_deployments"] = [(at, of) for at, of, s, _ in rows if s == states.FAILED]
        self._rows["rolled_back_deployments"] = [(at, of) for at, of, s, _ in rows if s == states.ROLLED_BACK]
        self._rows["emergency_deployments"] = [(at, of) for at, of, _, urgent in rows if urgent]
        for name, model, moment, service in (
            ("releases", Release, "released_at", None),
            ("incidents", IncidentService, "incident__started_at", "service_id"),
            ("problems_opened", Problem, "created_at", "service_id"),
            ("problems_closed", Problem, "closed_at", "service_id"),
            ("changes_approved", ChangeRequest, "approved_at", "service_id"),
            ("reviews_closed", Review, "closed_at", "service_id"),
        ):
            inside = model._default_manager.filter(
                Q(**{f"{moment}__gte": start}) & Q(**{f"{moment}__lt": end})
            ).order_by()
            if service:
                self._rows[name] = list(inside.values_list(moment, service))
            else:
                self._rows[name] = [(at, None) for at in inside.values_list(moment, flat=True)]

    def between(self, service: uuid.UUID | None, start: datetime, end: datetime) -> dict[str, int]:
        """The counts of a period; of one service where the indicator is of one."""
        found: Counter[str] = Counter(dict.fromkeys(COUNTS, 0))
        for name, rows in self._rows.items():
            found[name] = sum(
                start <= at < end and (service is None or of is None or of == service) for at, of in rows
            )
        return dict(found)
