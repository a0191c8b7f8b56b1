"""Scoring models: made, weighed anew after a preview, and chosen to rank a backlog."""

from __future__ import annotations

from typing import Annotated, Any

from planning.models import (
    Feature,
    ModelRating,
    ModelScore,
    ScoringMethod,
    ScoringModel,
    ScoringModelVersion,
)
from planning.queries import ranking
from planning.rules import scoring_model as rules
from planning.rules.wsjf import SCALE
from releasetrain.audit.doorway import action, explain_constraint, register_guard
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Refusal, refuse
from trains.models import Train

from .features import open_only
from .ranking import decimal, refresh

explain_constraint("scoring_model_name_once", "The train has a scoring model of this name.")
explain_constraint("scoring_model_ranks_alone", "Another model ranks the backlog of this train.")

Criteria = Annotated[
    list,
    Field(
        "Criteria",
        'A list of {"title", "weight", "direction": benefit or cost, "source": rated, value, '
        "time_criticality, risk_reduction, job_size or tier}.",
    ),
]
Seen = Annotated[
    str,
    Field("Preview seen", "The word `seen` of the preview: what was not seen is not applied.", max_length=80),
]
Values = Annotated[
    dict[str, Any], Field("Values", "1, 2, 3, 5, 8, 13 or 20 for each rated criterion, by its key.")
]


def read_criteria(given: list[Any], method: str) -> tuple[rules.Criterion, ...]:
    """The criteria, refused at their input when they cannot be scored with."""
    try:
        return rules.read(given, method)
    except rules.BadCriteria as bad:
        refuse("scoring_model.criteria", str(bad), field="criteria")


@action(
    "scoring_model.create",
    hidden=True,
    creates=ScoringModel,
    requires="planning.edit",
    within="train",
    label="New scoring model",
)
def create_scoring_model(
    actor: Actor,
    *,
    train: Annotated[Train, Field("Train")],
    name: Annotated[str, Field("Name", max_length=80)],
    criteria: Criteria,
    method: Annotated[ScoringMethod, Field("Method")] = ScoringMethod.SUM,
    purpose: Annotated[str, Field("Purpose", long=True)] = "",
) -> ScoringModel:
    """Make a scoring model for a train. It ranks nothing until it is chosen to."""
    if not name.strip():
        refuse("scoring_model.name", "A scoring model has a name.", field="name")
    read = read_criteria(criteria, method)
    model = ScoringModel.objects.create(train=train, name=name.strip(), purpose=purpose.strip())
    _version(actor, model, 1, read, method, "First version")
    refresh(train.pk)
    return model


def _version(
    actor: Actor,
    model: ScoringModel,
    number: int,
    criteria: tuple[rules.Criterion, ...],
    method: str,
    reason: str,
) -> ScoringModelVersion:
    version: ScoringModelVersion = ScoringModelVersion.objects.create(
        model=model,
        number=number,
        method=method,
        criteria=[c.plain() for c in criteria],
        reason=reason,
        published_at=now(),
        published_by_id=actor.user_id,
    )
    return version


@action(
    "scoring_model.publish", hidden=True, on=ScoringModel, requires="planning.edit", label="Publish weights"
)
def publish_scoring_model(
    actor: Actor,
    model: ScoringModel,
    *,
    criteria: Criteria,
    seen: Seen,
    method: Annotated[ScoringMethod | None, Field("Method", "As it is when left out.")] = None,
    reason: Annotated[str, Field("Reason", max_length=300)] = "",
) -> ScoringModel:
    """Publish new weights as the next version. The preview of exactly these must have been seen."""
    present = ranking.version_of(model)
    method = method or ScoringMethod(present.method)
    read = read_criteria(criteria, method)
    if ([c.plain() for c in read], method) == (present.criteria, present.method):
        refuse("scoring_model.same", "These are the weights of today.", field="criteria")
    _refuse_unseen(seen, ranking.preview_weights(model, read, method))
    model.version += 1
    model.save()
    _version(actor, model, model.version, read, method, reason.strip())
    refresh(model.train_id)
    return model


def _refuse_unseen(seen: str, preview: ranking.Preview) -> None:
    if seen != preview.seen:
        refuse(
            "scoring_model.unseen",
            "The ranking this would lead to is not the one that was previewed.",
            remedy="Look at the preview again: scores or features changed meanwhile, or it was never asked for.",
            field="seen",
            status=409,
        )


@action(
    "scoring_model.rank_backlog",
    hidden=True,
    on=ScoringModel,
    requires="planning.commit",
    label="Rank the backlog by it",
)
def rank_backlog(actor: Actor, model: ScoringModel, *, seen: Seen) -> ScoringModel:
    """Rank the train's backlog by this model from now on. The preview must have been seen."""
    _refuse_unseen(seen, ranking.preview_ranking(model))
    for other in ScoringModel.objects.filter(train=model.train_id, ranks_backlog=True):
        other.ranks_backlog = False
        other.save()
    model.ranks_backlog = True
    model.save()
    refresh(model.train_id)
    return model


@action(
    "scoring_model.stop_ranking",
    hidden=True,
    on=ScoringModel,
    requires="planning.commit",
    label="Rank by WSJF again",
)
def stop_ranking(actor: Actor, model: ScoringModel, *, seen: Seen) -> ScoringModel:
    """Rank the train's backlog by WSJF again. The preview must have been seen."""
    _refuse_unseen(seen, ranking.preview_ranking(model))
    model.ranks_backlog = False
    model.save()
    refresh(model.train_id)
    return model


@action("scoring_model.retire", on=ScoringModel, requires="planning.edit", danger=True)
def retire_scoring_model(actor: Actor, model: ScoringModel) -> ScoringModel:
    """Retire a model; its scores stay on record."""
    if model.ranks_backlog:
        refuse(
            "scoring_model.ranks",
            f"{model} ranks the backlog.",
            remedy="Rank by WSJF again, or by another model.",
        )
    model.retired_at = now()
    model.save()
    return model


def _models(actor: Actor, subject: Any) -> Any:
    rows = ScoringModel.objects.filter(retired_at__isnull=True)
    return rows.filter(train=subject.train_id) if subject is not None else rows


def _checked(
    feature: Feature, model: ScoringModel, values: dict[str, Any]
) -> tuple[ranking.Regime, dict[str, int]]:
    if model.train_id != feature.train_id:
        refuse("train.other", f"{model} belongs to another train.", field="model")
    if model.retired_at:
        refuse("scoring_model.retired", f"{model} is retired.", field="model")
    regime = ranking.regime_of(ranking.version_of(model))
    rated = {c.key: c.title for c in regime.criteria if c.source == "rated"}
    if not rated:
        refuse(
            "scoring_model.derived",
            f"{model} rates nothing of its own.",
            remedy="Agree the WSJF and the risk tier; its score follows.",
            field="model",
        )
    unknown = sorted(set(values) - rated.keys())
    if unknown:
        refuse("score.criterion", f"{model} rates no criterion {unknown[0][:40]}.", field="values")
    for key, title in rated.items():
        number = values.get(key)
        if isinstance(number, bool) or number not in SCALE:
            refuse(
                "score.scale",
                f"{title}: {'choose a number' if number is None else f'{number!s:.20} is not on the scale'}.",
                remedy="Use 1, 2, 3, 5, 8, 13 or 20.",
                field="values",
            )
    return regime, {key: int(values[key]) for key in rated}


@action("feature.rate", hidden=True, on=Feature, requires="planning.score")
def rate_feature(
    actor: Actor,
    feature: Feature,
    *,
    model: Annotated[ScoringModel, Field("Model", rows=_models)],
    values: Values,
) -> Feature:
    """Give your own score under a scoring model; rating again replaces it."""
    regime, rated = _checked(feature, model, values)
    if actor.user_id is None:
        refuse("score.nobody", "A score is a person's; the platform has none.")
    score = ModelScore.objects.filter(feature=feature, model=model, scorer_id=actor.user_id).first()
    score = score or ModelScore(feature=feature, model=model, scorer_id=actor.user_id)
    score.version, score.values, score.scored_at = regime.version, rated, now()
    score.save()
    return feature


@action("feature.agree_rating", hidden=True, on=Feature, requires="planning.edit", label="Agree the rating")
def agree_rating(
    actor: Actor,
    feature: Feature,
    *,
    model: Annotated[ScoringModel, Field("Model", rows=_models)],
    values: Values,
) -> Feature:
    """Record the agreed values under a scoring model, with its version, by whom and when."""
    regime, rated = _checked(feature, model, values)
    whole = ranking.values_for(regime.criteria, feature, rated)
    number = rules.score(regime.criteria, regime.method, whole)
    if number is None:
        missing = rules.explain(regime.criteria, regime.method, whole)
        refuse(
            "score.incomplete",
            f"{feature} has {missing}.",
            remedy="Agree its WSJF and refine it first: the model counts parts of them.",
        )
    rating = ModelRating.objects.filter(feature=feature, model=model).first()
    rating = rating or ModelRating(feature=feature, model=model)
    rating.version, rating.values, rating.score = regime.version, whole, decimal(number)
    rating.agreed_at, rating.agreed_by_id = now(), actor.user_id
    rating.save()
    refresh(feature.train_id, [feature])
    return feature


def still_used(actor: Actor, model: ScoringModel, params: dict[str, Any]) -> Refusal | None:
    """A retired model stays as it is."""
    return Refusal("scoring_model.retired", f"{model} is retired.") if model.retired_at else None


def ranking_now(actor: Actor, model: ScoringModel, params: dict[str, Any]) -> Refusal | None:
    return (
        None if model.ranks_backlog else Refusal("scoring_model.idle", f"{model} does not rank the backlog.")
    )


def not_ranking(actor: Actor, model: ScoringModel, params: dict[str, Any]) -> Refusal | None:
    return (
        Refusal("scoring_model.ranks", f"{model} ranks the backlog already.") if model.ranks_backlog else None
    )


for _verb in ("publish", "rank_backlog", "stop_ranking", "retire"):
    register_guard(f"scoring_model.{_verb}", still_used)
register_guard("scoring_model.stop_ranking", ranking_now)
register_guard("scoring_model.rank_backlog", not_ranking)
for _verb in ("rate", "agree_rating"):
    register_guard(f"feature.{_verb}", open_only)
