"""Problems on the backlog: a technical-debt item with the business risk of leaving the cause where it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from planning.actions.reports import BusinessRisk, from_production
from planning.models import Feature, FeatureReport, ReportSource
from planning.rules.exposure import IMPACT, LIKELIHOOD, impact_of, likelihood_of
from problems.models import Incident, Problem
from releasetrain.audit.doorway import Actor, Field, Ref, Refusal, action, register_guard
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import Train

A_YEAR = 365


@action("problem.create_debt", on=Problem, requires="problems.manage", label="Put on the backlog")
def create_debt(
    actor: Actor,
    problem: Problem,
    *,
    business_risk: BusinessRisk,
    title: Annotated[
        str, Field("What is to be improved", "Empty: the problem's title.", max_length=200)
    ] = "",
    likelihood: Annotated[
        int | None,
        Field("How often it does harm", "Empty: as often as it did in a year.", choices=LIKELIHOOD),
    ] = None,
    impact: Annotated[
        int | None, Field("How bad that is", "Empty: as its severity says.", choices=IMPACT)
    ] = None,
    train: Annotated[Train | None, Field("Train", "Empty: that of the service.")] = None,
) -> Feature:
    """Put the cause on the backlog as technical debt; it is scored and planned like everything else."""
    target = train or problem.service.train
    if target is None:
        refuse(
            "debt.train",
            f"{problem.service.name} belongs to no train.",
            remedy="Name the train whose backlog it goes to.",
            field="train",
        )
    if not business_risk.strip():
        refuse("report.risk", "Say what happens while it is not built.", field="business_risk", status=422)
    return from_production(
        actor,
        train=target,
        source=ReportSource.PROBLEM,
        reference=problem.key,
        title=title.strip() or problem.title,
        likelihood=likelihood or likelihood_of(_occurrences(problem), A_YEAR),
        impact=impact or impact_of(problem.severity),
        business_risk=business_risk,
        summary=problem.title,
        source_kind="problem",
        source_id=problem.pk,
    )


def _occurrences(problem: Problem) -> int:
    """How many incidents of the last year it lies behind."""
    since = now() - timedelta(days=A_YEAR)
    return Incident.objects.filter(problems__problem=problem, detected_at__gte=since).count()


def backlog_items(actor: Actor, source: Any) -> list[Feature]:
    """The backlog items that were made of a problem, a review or an action."""
    return list(Feature.objects.filter(reports__source_id=source.pk).order_by("key").distinct())


def once(actor: Actor, source: Any, params: dict[str, Any]) -> Refusal | None:
    """What is on the backlog already is not put there again."""
    report = FeatureReport.objects.filter(source_id=source.pk).select_related("feature").first()
    if report is None:
        return None
    return Refusal(
        "debt.there",
        f"{source} is on the backlog already.",
        remedy="Judge its business risk anew there.",
        blocked_by=Ref.of(report.feature),
    )


register_guard("problem.create_debt", once)
