"""Scoring features by WSJF: everybody scores for themselves, then the agreed values are recorded."""

from __future__ import annotations

from typing import Annotated

from planning.models import PARTS, Feature, FeatureScore, wsjf_of
from planning.rules.wsjf import SCALE
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import refuse

_SCALE = tuple((n, str(n)) for n in SCALE)

Value = Annotated[int, Field("User-business value", choices=_SCALE)]
Time = Annotated[int, Field("Time criticality", choices=_SCALE)]
Risk = Annotated[int, Field("Risk reduction or opportunity", choices=_SCALE)]
Size = Annotated[int, Field("Job size", choices=_SCALE)]


def _on_scale(**parts: int) -> None:
    for name, number in parts.items():
        if number not in SCALE:
            refuse(
                "score.scale",
                f"{number} is not on the scale.",
                remedy="Use 1, 2, 3, 5, 8, 13 or 20.",
                field=name,
            )


@action("feature.score", hidden=True, on=Feature, requires="planning.score")
def score_feature(
    actor: Actor,
    feature: Feature,
    *,
    value: Value,
    time_criticality: Time,
    risk_reduction: Risk,
    job_size: Size,
) -> Feature:
    """Give your own score; scoring again replaces it."""
    parts = {
        "value": value,
        "time_criticality": time_criticality,
        "risk_reduction": risk_reduction,
        "job_size": job_size,
    }
    _on_scale(**parts)
    if actor.user_id is None:
        refuse("score.nobody", "A score is a person's; the platform has none.")
    score = FeatureScore.objects.filter(feature=feature, scorer_id=actor.user_id).first()
    score = score or FeatureScore(feature=feature, scorer_id=actor.user_id)
    for name, number in parts.items():
        setattr(score, name, number)
    score.scored_at = now()
    score.save()
    return feature


@action(
    "feature.agree_score",
    hidden=True,
    on=Feature,
    requires="planning.edit",
    label="Agree the score",
)
def agree_score(
    actor: Actor,
    feature: Feature,
    *,
    value: Value,
    time_criticality: Time,
    risk_reduction: Risk,
    job_size: Size,
) -> Feature:
    """Record the agreed score: it decides the feature's place in the backlog."""
    parts = {
        "value": value,
        "time_criticality": time_criticality,
        "risk_reduction": risk_reduction,
        "job_size": job_size,
    }
    _on_scale(**parts)
    for name in PARTS:
        setattr(feature, name, parts[name])
    feature.wsjf = wsjf_of(value, time_criticality, risk_reduction, job_size)
    feature.agreed_at, feature.agreed_by_id = now(), actor.user_id
    if feature.points is None:
        feature.points = job_size
    feature.save()
    return feature
