"""What a review found on the backlog: technical debt with the business risk of leaving it."""

from __future__ import annotations

from typing import Annotated

from planning.actions.reports import BusinessRisk, Impact, Likelihood, from_production
from planning.models import Feature, ReportSource
from problems.actions.debt import once
from releasetrain.audit.doorway import Actor, Field, action, register_guard
from releasetrain.kernel.refusals import refuse
from reviews.models import ActionItem, Review
from trains.models import Train

OfTrain = Annotated[Train | None, Field("Train", "Empty: that of the service.")]


def _target(review: Review, train: Train | None) -> Train:
    found: Train | None = train or review.service.train
    if found is None:
        refuse(
            "debt.train",
            f"{review.service.name} belongs to no train.",
            remedy="Name the train whose backlog it goes to.",
            field="train",
        )
    return found


def _said(business_risk: str) -> str:
    if not business_risk.strip():
        refuse("report.risk", "Say what happens while it is not built.", field="business_risk", status=422)
    return business_risk


@action("review.create_debt", on=Review, requires="reviews.contribute", label="Put debt on the backlog")
def create_debt(
    actor: Actor,
    review: Review,
    *,
    title: Annotated[str, Field("What is to be improved", max_length=100)],
    likelihood: Likelihood,
    impact: Impact,
    business_risk: BusinessRisk,
    train: OfTrain = None,
) -> Feature:
    """Put something that the review found on the backlog as technical debt; the same title again changes nothing."""
    if not title.strip():
        refuse("feature.title", "Say what is to be improved.", field="title", status=422)
    return from_production(
        actor,
        train=_target(review, train),
        source=ReportSource.REVIEW,
        reference=f"{review.key}: {title.strip()}",
        title=title,
        likelihood=likelihood,
        impact=impact,
        business_risk=_said(business_risk),
        summary=review.trigger,
        source_kind="review",
        source_id=review.pk,
    )


@action("action_item.create_debt", on=ActionItem, requires="reviews.contribute", label="Put on the backlog")
def create_debt_of_action(
    actor: Actor,
    item: ActionItem,
    *,
    likelihood: Likelihood,
    impact: Impact,
    business_risk: BusinessRisk,
    train: OfTrain = None,
) -> Feature:
    """Put an action on the backlog as technical debt, where it is scored and planned."""
    return from_production(
        actor,
        train=_target(item.review, train),
        source=ReportSource.REVIEW,
        reference=item.key,
        title=item.title,
        likelihood=likelihood,
        impact=impact,
        business_risk=_said(business_risk),
        summary=item.success_criteria[:300],
        source_kind="action_item",
        source_id=item.pk,
    )


register_guard("action_item.create_debt", once)
