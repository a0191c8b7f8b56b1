"""How much of an error budget a deployment burnt: a condition of the rules that open reviews."""

from __future__ import annotations

from datetime import datetime

from metrics.queries.slos import live, slices
from reviews.ports import error_budgets
from trains.models import Service


@error_budgets
def burnt_since(service: Service, since: datetime, until: datetime) -> float | None:
    """The most that any objective of the service lost since, in percent of its whole budget; None without values."""
    objectives = live([service])
    if not objectives:
        return None
    found = slices(objectives, until)
    shares = []
    for slo in objectives:
        allowed = sum(s.total for s in found[slo.pk]) * (100.0 - slo.objective) / 100.0
        if allowed > 0:
            shares.append(100.0 * sum(s.bad for s in found[slo.pk] if s.at >= since) / allowed)
    return max(shares, default=None)
