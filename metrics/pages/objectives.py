"""Pages of objectives and indicators, and the panel of a release: what its services may still let fail."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest

from metrics.models import Kpi, Slo
from metrics.queries import kpis, slos
from metrics.rules.budgets import DEFINITION, Budget, BudgetState, budget, by_day
from metrics.rules.formulas import NAMES, series_in
from releasetrain.interface import history
from releasetrain.interface.charts import Chart, line_chart
from releasetrain.kernel.clock import now
from trains.models import Release, Series, Service
from trains.ports import ASIDE, Panel, cockpit_panels

_WORST_FIRST = [
    BudgetState.EXHAUSTED,
    BudgetState.BURNING,
    BudgetState.UNKNOWN,
    BudgetState.LOW,
    BudgetState.KEPT,
]
PERIODS = 8
_PROMISED = {"objective", "window_days", "at_most", "at_least"}


def slo_page(request: HttpRequest, slo: Slo) -> dict[str, Any]:
    """How one objective stands, day by day."""
    at = now()
    found = slos.slices([slo], at)[slo.pk]
    standing = budget(slo.objective, timedelta(days=slo.window_days), found, at)
    days = by_day(slo.objective, found)
    return {
        "slo": slo,
        "budget": standing,
        "events": f"{standing.bad:,.0f} of {standing.total:,.0f}; {standing.allowed:,.0f} are allowed",
        "burns": list(standing.burns.items()),
        "definition": DEFINITION,
        "chart": _days(slo, days) if len(days) > 1 else None,
        "adjustments": _adjustments(slo),
        "series": Series.objects.filter(
            service=slo.service, name__in=[name for name in (slo.series, slo.total_series) if name]
        ).order_by("name")[:20],
    }


def _days(slo: Slo, days: list[tuple[datetime, float]]) -> Chart:
    return line_chart(
        "Good by day, in per cent",
        [f"{day:%d %b}" for day, _ in days],
        {"good": [value for _, value in days]},
        unit="%",
        target=("objective", slo.objective),
        zero=False,
        width=720,
    )


def _adjustments(slo: Slo) -> list[dict[str, Any]]:
    """What was promised before, and why it was changed."""
    found = []
    for event in history.of(slo):
        names = {change.name for change in event.changes}
        # The row that began it changes everything, its key too.
        changed = [change for change in event.changes if change.name in _PROMISED and "key" not in names]
        if changed:
            what = "; ".join(f"{change.label} from {change.old} to {change.new}" for change in changed)
            found.append({"at": event.at, "what": what, "why": event.reason})
    return found


def kpi_page(request: HttpRequest, kpi: Kpi) -> dict[str, Any]:
    """An indicator over its last periods."""
    found = kpis.values([kpi], PERIODS)[kpi.pk]
    known = [each for each in found if each.value is not None]
    chart = line_chart(
        f"{kpi.name}, periods of {kpi.period_days} days",
        [f"{each.end:%d %b}" for each in found],
        {"value": [each.value for each in found]},
        unit=kpi.unit,
        target=("target", kpi.target),
        width=720,
    )
    return {
        "kpi": kpi,
        "latest": found[-1],
        "values": found[::-1],
        "chart": chart if len(known) > 1 else None,
        "overdue": kpi.retired_at is None and kpi.review_on <= now().date(),
        "names": NAMES.items(),
        "series": Series.objects.filter(service=kpi.service_id, name__in=series_in(kpi.formula)).order_by(
            "name"
        )[:20],
    }


def lines(services: list[Service]) -> list[tuple[Slo, Budget]]:
    """The objectives of some services with their budgets, the worst first."""
    found = slos.live(services)
    standing = slos.budgets(found)
    pairs = [(slo, standing[slo.pk]) for slo in found]
    return sorted(pairs, key=lambda pair: (_WORST_FIRST.index(pair[1].state), pair[1].left or 0.0))


@cockpit_panels
def budgets_panel(request: HttpRequest, release: Release) -> Panel | None:
    """What the services of a release were promised to keep, before somebody decides to change them."""
    services = list(Service.objects.filter(release_artifacts__release=release).distinct())
    found = lines(services) if services else []
    if not found:
        return None
    spent = sum(each.state in (BudgetState.EXHAUSTED, BudgetState.BURNING) for _, each in found)
    context = {
        "lines": found,
        "definition": DEFINITION,
        "right": f"{spent} spent or burning" if spent else "",
    }
    return "Error budgets", "metrics/_budgets.html", context, ASIDE + 8
