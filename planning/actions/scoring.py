"""Scoring features by WSJF: everybody scores for themselves, then the agreed values are recorded."""

from __future__ import annotations

from typing import Annotated, Any

from planning.models import PARTS, Feature, FeatureScore, exact_wsjf, wsjf_of
from planning.rules import wsjf as rules
from planning.rules.wsjf import SCALE
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Refusal, Refused, refuse
from trains.models import Train

from .ranking import refresh

MOST_TOGETHER = 60
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
    feature.rank_score = exact_wsjf(value, time_criticality, risk_reduction, job_size)
    feature.agreed_at, feature.agreed_by_id = now(), actor.user_id
    if feature.points is None:
        feature.points = job_size
    feature.save()
    refresh(feature.train_id, [feature])
    return feature


Sheet = Annotated[
    list,
    Field("Scores", 'A list of {"feature", "value", "time_criticality", "risk_reduction", "job_size"}.'),
]


@action(
    "feature.score_together",
    hidden=True,
    creates=Feature,
    requires="planning.score",
    within="train",
    label="Estimate together",
)
def score_together(actor: Actor, *, train: Annotated[Train, Field("Train")], scores: Sheet) -> dict[str, Any]:
    """Give your own scores for several features at once; the smallest in each column is the 1."""
    sheet = read_sheet(train, scores)
    for feature, parts in sheet:
        score_feature(actor, feature, **parts)
    return {"scored": [feature.key for feature, _ in sheet]}


@action(
    "feature.agree_together",
    hidden=True,
    creates=Feature,
    requires="planning.edit",
    within="train",
    label="Agree together",
)
def agree_together(actor: Actor, *, train: Annotated[Train, Field("Train")], scores: Sheet) -> dict[str, Any]:
    """Record the agreed scores of several features at once; the smallest in each column is the 1."""
    sheet = read_sheet(train, scores)
    for feature, parts in sheet:
        agree_score(actor, feature, **parts)
    return {"agreed": [feature.key for feature, _ in sheet]}


def read_sheet(train: Train, scores: list[Any]) -> list[tuple[Feature, dict[str, int]]]:
    """The rows of an estimation; refused unless each column has its 1, naming what to make smaller."""
    if not 2 <= len(scores) <= MOST_TOGETHER:
        refuse(
            "sheet.size",
            f"Compare 2 to {MOST_TOGETHER} features with each other, not {len(scores)}.",
            field="scores",
        )
    named: dict[str, dict[str, int]] = {}
    for place, row in enumerate(scores, 1):
        key, parts = _row(place, row)
        if key in named:
            refuse("sheet.twice", f"{key} stands in the list twice.", field="scores")
        named[key] = parts
    found = {f.key: f for f in Feature.objects.filter(train=train, key__in=named)}
    missing = sorted(named.keys() - found.keys())
    if missing:
        refuse("sheet.absent", f"{train.key} has no feature {missing[0]}.", field="scores")
    moment = now()
    jobs = [
        rules.Job(key, p["value"], p["time_criticality"], p["risk_reduction"], p["job_size"], moment)
        for key, p in named.items()
    ]
    loose = [anchor for anchor in rules.anchors(jobs) if not anchor.found]
    if loose:
        raise Refused(
            *[
                Refusal(
                    "sheet.anchor",
                    anchor.sentence,
                    remedy=f"Give 1 to {anchor.jobs[0]} and compare the others with it.",
                    field="scores",
                    status=422,
                )
                for anchor in loose
            ]
        )
    return [(found[key], parts) for key, parts in named.items()]


def _row(place: int, row: Any) -> tuple[str, dict[str, int]]:
    if not isinstance(row, dict) or not isinstance(row.get("feature"), str):
        refuse("sheet.row", f"Row {place} must name its feature by key.", field="scores")
    unknown = sorted(set(row) - {"feature", *PARTS})
    if unknown:
        refuse("sheet.row", f"Row {place} has no property {unknown[0][:40]}.", field="scores")
    for part in PARTS:
        number = row.get(part)
        if isinstance(number, bool) or number not in SCALE:
            refuse(
                "score.scale",
                f"{row['feature'][:40]}: {part.replace('_', ' ')} is not on the scale.",
                remedy="Use 1, 2, 3, 5, 8, 13 or 20.",
                field="scores",
            )
    return row["feature"], {part: int(row[part]) for part in PARTS}
