"""Reports from production become backlog items with their business-risk exposure, linked to their source."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator

from planning.models import Feature, FeatureKind, FeatureReport, ReportSource
from planning.rules.exposure import IMPACT, LIKELIHOOD
from planning.states import CLOSED
from releasetrain.audit.doorway import action, explain_constraint
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, refuse
from trains.models import Train

from .features import create_feature

explain_constraint("feature_report_reference_once", "This report was taken before.")

FROM_OUTSIDE = (ReportSource.MONITORING, ReportSource.SUPPORT_TICKET, ReportSource.USER_REPORT)

Likelihood = Annotated[int, Field("How often it does harm", choices=LIKELIHOOD)]
Impact = Annotated[int, Field("How bad that is", choices=IMPACT)]
BusinessRisk = Annotated[str, Field("Business risk", "What happens while it is not built.", max_length=300)]


def _open_features(actor: Actor, subject: Any) -> Any:
    return Feature.objects.exclude(state__in=CLOSED).order_by("-created_at")


@action(
    "feature.take_report",
    creates=Feature,
    requires="planning.report",
    within="train",
    label="Report from production",
)
def take_report(
    actor: Actor,
    *,
    train: Annotated[Train, Field("Train")],
    source: Annotated[str, Field("Where from", choices=tuple((s.value, s.label) for s in FROM_OUTSIDE))],
    reference: Annotated[str, Field("Reference", "The number of the ticket or alert.", max_length=120)],
    title: Annotated[str, Field("What is to be improved", max_length=200)],
    likelihood: Likelihood,
    impact: Impact,
    business_risk: BusinessRisk = "",
    url: Annotated[str, Field("Address", "Where the ticket can be read.", max_length=500)] = "",
    summary: Annotated[str, Field("What was reported", max_length=300)] = "",
    feature: Annotated[
        Feature | None, Field("Belongs to", "An item that answers it already.", rows=_open_features)
    ] = None,
) -> Feature:
    """Put a ticket, a user's report or an alert on the backlog; the same reference again changes nothing."""
    return from_production(
        actor,
        train=train,
        source=ReportSource(source),
        reference=reference,
        title=title,
        likelihood=likelihood,
        impact=impact,
        business_risk=business_risk,
        url=url,
        summary=summary,
        feature=feature,
    )


def from_production(
    actor: Actor,
    *,
    train: Train,
    source: ReportSource,
    reference: str,
    title: str,
    likelihood: int,
    impact: int,
    business_risk: str = "",
    url: str = "",
    summary: str = "",
    source_kind: str = "",
    source_id: uuid.UUID | None = None,
    feature: Feature | None = None,
) -> Feature:
    """The backlog item that answers a report: the one it was given before, the one named, or a new one."""
    reference = reference.strip()
    if not reference:
        refuse("report.reference", "Give the report's reference.", field="reference", status=422)
    known = FeatureReport.objects.filter(source=source, reference=reference).select_related("feature").first()
    if known is not None:
        return known.feature
    if url:
        _refuse_bad_address(url)
    for name, number in (("likelihood", likelihood), ("impact", impact)):
        if not 1 <= number <= 5:
            refuse("report.exposure", f"{number} is not on the scale from 1 to 5.", field=name, status=422)
    if feature is None:
        feature = _new(actor, train, source, reference, title, source_kind, source_id)
    elif feature.train_id != train.pk:
        refuse("train.other", f"{feature} belongs to another train.", field="feature")
    elif feature.state in CLOSED:
        refuse(
            "feature.closed", f"{feature} is {feature.state}.", blocked_by=Ref.of(feature), field="feature"
        )
    _expose(feature, likelihood, impact, business_risk)
    FeatureReport.objects.create(
        feature=feature,
        source=source,
        reference=reference,
        url=url,
        summary=(summary or title).strip()[:300],
        source_kind=source_kind,
        source_id=source_id,
        reported_at=now(),
        recorded_by_id=actor.user_id,
    )
    return feature


def _refuse_bad_address(url: str) -> None:
    try:
        URLValidator(schemes=["http", "https"])(url)
    except ValidationError:
        refuse("report.address", "This is no address of a page.", field="url", status=422)


def _new(
    actor: Actor,
    train: Train,
    source: ReportSource,
    reference: str,
    title: str,
    source_kind: str,
    source_id: uuid.UUID | None,
) -> Feature:
    """Whoever may report need not be allowed to write features: the item is made by rule, for them."""
    by_rule = Actor.system(actor.organization_id, f"reported by {actor.name}", route=actor.route)
    made: Feature = create_feature(
        by_rule,
        train=train,
        title=title.strip()[:200],
        kind=FeatureKind.DEBT,
        source_kind=source_kind or source.value,
        source_label=f"{source.label} {reference}"[:200],
    )
    made.source_id = source_id
    return made


def _expose(feature: Feature, likelihood: int, impact: int, business_risk: str) -> None:
    """The worst that any report says counts."""
    if (feature.exposure or 0) <= likelihood * impact:
        feature.exposure_likelihood, feature.exposure_impact = likelihood, impact
        feature.exposure_reason = business_risk.strip() or feature.exposure_reason
    feature.save()


@action("feature.expose", on=Feature, requires="planning.edit", label="Judge business risk")
def expose_feature(
    actor: Actor, feature: Feature, *, likelihood: Likelihood, impact: Impact, business_risk: BusinessRisk
) -> Feature:
    """Judge anew how much harm is done while this is not built."""
    if not business_risk.strip():
        refuse("report.risk", "Say what happens while it is not built.", field="business_risk", status=422)
    for name, number in (("likelihood", likelihood), ("impact", impact)):
        if not 1 <= number <= 5:
            refuse("report.exposure", f"{number} is not on the scale from 1 to 5.", field=name, status=422)
    feature.exposure_likelihood, feature.exposure_impact = likelihood, impact
    feature.exposure_reason = business_risk.strip()
    feature.save()
    return feature
