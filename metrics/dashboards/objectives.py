"""Objectives and indicators: what services promise and what of it is left; the organization's own figures."""

from __future__ import annotations

from metrics.asking import Question
from metrics.models import Kpi
from metrics.pages.objectives import lines
from metrics.queries import kpis
from metrics.rules.budgets import DEFINITION, BudgetState
from releasetrain.kernel.clock import now
from trains.models import Service

from .answer import Answer, Definition, Figure, Gap, Link, Table
from .registry import dashboard

_BUDGET = Definition(
    "within_budget",
    "Objectives within budget",
    DEFINITION,
    "objectives with budget left ÷ objectives with an answer",
)
_REACHED = Definition(
    "targets_met",
    "Targets met",
    "Indicators that serve a decision and whose value over their last period reaches the target. Indicators without a decision are "
    "vanity: they are listed and never counted.",
    "indicators at their target ÷ indicators with a value, both of those that serve a decision",
)
_SLO_COLUMNS = (
    "Objective",
    "Service",
    "Promised",
    "Attained",
    "Budget left",
    "Burn 1 h",
    "Burn 24 h",
    "Stands",
    "Gone at",
)
_KPI_COLUMNS = (
    "Indicator",
    "Value",
    "Target",
    "Unit",
    "Reached",
    "Serves",
    "Owner",
    "Review",
    "Why no value",
)


@dashboard(
    "objectives",
    title="Objectives",
    about="What services promise, and how much of what may fail is left. Windows end now, whatever the period.",
    definitions=[_BUDGET],
    order=60,
    days=28,
    bucketed=False,
)
def objectives(question: Question) -> Answer:
    """Every service level objective with its error budget."""
    found = lines(_services(question))
    if not found:
        return Answer(empty="No service has an objective yet.")
    known = [(slo, each) for slo, each in found if each.state is not BudgetState.UNKNOWN]
    kept = [each for _, each in known if each.state is not BudgetState.EXHAUSTED]
    rows = [
        (
            Link(str(slo), slo),
            Link(slo.service.name, slo.service),
            f"{slo.objective:g} % over {slo.window_days} days",
            None if each.attained is None else round(each.attained, 4),
            None if each.left is None else round(100 * each.left, 1),
            each.burns.get("1 h"),
            each.burns.get("24 h"),
            f"{each.word}: {each.reason}",
            each.gone_at,
        )
        for slo, each in found
    ]
    table = Table(
        "Objectives",
        _SLO_COLUMNS,
        rows,
        "objectives",
        numbers=("Attained", "Budget left", "Burn 1 h", "Burn 24 h"),
    )
    figure = Figure(
        "within_budget",
        _BUDGET.title,
        len(kept) / len(known) if known else None,
        "share",
        count=len(known),
        rows=lambda: table,
        note=f"{len(known)} of {len(found)} have an answer",
    )
    covered = len(known) / len(found)
    return Answer(
        figures=[figure],
        tables=[table],
        quality=[Gap(f"{len(known)} of {len(found)} objectives have values that are fresh enough.", covered)],
    )


@dashboard(
    "indicators",
    title="Indicators",
    about="Your own indicators with their targets, and the decision that each serves.",
    definitions=[_REACHED],
    order=65,
    filters=("service",),
    bucketed=False,
)
def indicators(question: Question) -> Answer:
    """Every indicator over its last period."""
    found = kpis.live()
    if question.wanted.service:
        found = [kpi for kpi in found if str(kpi.service_id) == question.wanted.service]
    if not found:
        return Answer(empty="No indicator is defined yet.")
    latest = {pk: values[-1] for pk, values in kpis.values(found).items()}
    serving = [kpi for kpi in found if not kpi.vanity]
    known = [kpi for kpi in serving if latest[kpi.pk].value is not None]
    met = [kpi for kpi in known if latest[kpi.pk].met]
    table = Table(
        "Indicators",
        _KPI_COLUMNS,
        [_row(kpi, latest[kpi.pk]) for kpi in found],
        "indicators",
        numbers=("Value", "Target"),
    )
    figure = Figure(
        "targets_met",
        _REACHED.title,
        len(met) / len(known) if known else None,
        "share",
        count=len(known),
        rows=lambda: table,
        note=f"{len(found) - len(serving)} marked as vanity" if len(serving) < len(found) else "",
        sample="Few indicators: the share says little." if len(known) < 5 else "",
    )
    late = sum(kpi.review_on <= now().date() for kpi in found)
    return Answer(
        figures=[figure],
        tables=[table],
        quality=[
            Gap(
                f"{len(known)} of {len(serving)} indicators that serve a decision have a value.",
                len(known) / len(serving),
            )
            if serving
            else Gap("No indicator serves a decision."),
            Gap(f"{late} of {len(found)} are due for review.", 1 - late / len(found)),
        ],
    )


def _row(kpi: Kpi, latest: kpis.Value) -> tuple[object, ...]:
    return (
        Link(str(kpi), kpi),
        latest.value,
        kpi.target,
        kpi.unit,
        "" if latest.met is None else "yes" if latest.met else "no",
        kpi.decision or "Vanity: no decision",
        str(kpi.owner),
        kpi.review_on.isoformat(),
        latest.reason,
    )


def _services(question: Question) -> list[Service]:
    rows = Service.objects.all()
    wanted = question.wanted
    if wanted.service:
        rows = rows.filter(pk=wanted.service)
    if wanted.team:
        rows = rows.filter(team_id=wanted.team)
    if wanted.train:
        rows = rows.filter(train_id=wanted.train)
    return list(rows)
