"""Keeping rankings true: scores under every model follow their inputs, and a committed plan freezes them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from planning.models import PARTS, Feature, FrozenScore, ModelRating, ScoringModel, exact_wsjf
from planning.queries import ranking
from planning.rules import scoring_model as rules
from planning.states import OPEN
from releasetrain.audit.doorway import register_effect, register_guard
from releasetrain.audit.history import bulk_create_tracked, bulk_update_tracked
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref, Refusal
from trains.models import ProgramIncrement


def decimal(score: Fraction) -> Decimal:
    """A score as it is kept, to four digits."""
    return (Decimal(score.numerator) / score.denominator).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def refresh(train_id: uuid.UUID, features: Iterable[Feature] | None = None) -> None:
    """Score features again under every model of their train, and rank them by what ranks its backlog.

    What a committed plan froze keeps its scores; it leaves the ranking when it was scored by other rules.
    """
    rows = list(
        Feature.objects.filter(train=train_id, state__in=OPEN).order_by("created_at")
        if features is None
        else features
    )
    for model in ScoringModel.objects.filter(train=train_id, retired_at__isnull=True):
        _rate(ranking.regime_of(ranking.version_of(model)), [f for f in rows if not f.score_frozen_at])
    changed = []
    for feature, wanted in _rank_scores(train_id, rows):
        if feature.rank_score != wanted:
            feature.rank_score = wanted
            changed.append(feature)
    bulk_update_tracked(changed, ["rank_score"])


def _rate(regime: ranking.Regime, features: list[Feature]) -> None:
    """Ratings of features whose values are all there, with the version that makes them."""
    assert regime.version is not None
    model = regime.version.model
    there = {r.feature_id: r for r in ModelRating.objects.filter(model=model, feature__in=features)}
    made, changed = [], []
    for feature in features:
        rating = there.get(feature.pk)
        values = ranking.values_for(regime.criteria, feature, rating.values if rating else None)
        number = rules.score(regime.criteria, regime.method, values)
        if number is None:
            continue
        if rating is None:
            rating = ModelRating(feature=feature, model=model, agreed_at=now())
            made.append(rating)
        elif (rating.version_id, rating.values, rating.score) != (regime.version.pk, values, decimal(number)):
            changed.append(rating)
        rating.version, rating.values, rating.score = regime.version, values, decimal(number)
    bulk_create_tracked(made)
    bulk_update_tracked(changed, ["version", "values", "score"])


def _rank_scores(train_id: uuid.UUID, features: list[Feature]) -> Iterable[tuple[Feature, Decimal | None]]:
    regime = ranking.regime(train_id)
    version = regime.version.pk if regime.version else None
    ratings = (
        dict(
            ModelRating.objects.filter(version=version, feature__in=features).values_list("feature", "score")
        )
        if version
        else {}
    )
    frozen = [f for f in features if f.score_frozen_at]
    by_rules: dict[uuid.UUID, Any] = {}
    for row in FrozenScore.objects.filter(feature__in=frozen).order_by("frozen_at") if frozen else ():
        by_rules[row.feature_id] = row.version_id
    for feature in features:
        if feature.score_frozen_at and by_rules.get(feature.pk) != version:
            yield feature, None
        elif version:
            yield feature, ratings.get(feature.pk)
        else:
            yield feature, wsjf_of_feature(feature)


def wsjf_of_feature(feature: Feature) -> Decimal | None:
    """The exact WSJF, once all parts are agreed."""
    parts = [getattr(feature, part) for part in PARTS]
    return None if None in parts else exact_wsjf(*parts)


# -- freezing -----------------------------------------------------------------------------------------------


def freeze(pi: ProgramIncrement, features: list[Feature]) -> None:
    """Keep the scores with which features entered a committed plan."""
    regime = ranking.regime(pi.train_id)
    ratings: dict[uuid.UUID, Any] = {}
    if regime.version is not None:
        ratings = dict(
            ModelRating.objects.filter(version=regime.version, feature__in=features).values_list(
                "feature", "values"
            )
        )
    moment = now()
    for feature in features:
        values = {part: getattr(feature, part) for part in PARTS} | ratings.get(feature.pk, {})
        FrozenScore.objects.create(
            feature=feature,
            pi=pi,
            version=regime.version,
            values=values,
            wsjf=feature.wsjf,
            rank_score=feature.rank_score,
            frozen_at=moment,
        )
        feature.score_frozen_at = moment
    bulk_update_tracked(features, ["score_frozen_at"])


def freeze_committed(actor: Actor, pi: ProgramIncrement, params: dict[str, Any]) -> None:
    """Committing a plan freezes the scores of what stands in it."""
    rows = Feature.objects.filter(pi=pi, iteration__isnull=False, score_frozen_at__isnull=True)
    freeze(pi, list(rows.order_by("created_at")))


def freeze_with_place(actor: Actor, feature: Feature, params: dict[str, Any]) -> None:
    """What enters a committed plan later is frozen then; what moves into an open one is free again."""
    increment = feature.pi
    if increment is None:
        return
    committed = increment.state in ("committed", "active")
    if committed and not feature.score_frozen_at:
        freeze(increment, [feature])
    elif not committed and feature.score_frozen_at:
        thaw(actor, feature, params)


def thaw(actor: Actor, feature: Feature, params: dict[str, Any]) -> None:
    """What leaves a committed plan can be scored anew."""
    if feature.score_frozen_at:
        feature.score_frozen_at = None
        feature.save()
        refresh(feature.train_id, [feature])


def not_frozen(actor: Actor, feature: Feature, params: dict[str, Any]) -> Refusal | None:
    """A committed plan was judged by its scores; they stay as they were."""
    if not feature.score_frozen_at:
        return None
    plan = f"{feature.pi} was committed with it" if feature.pi else "a plan was committed with it"
    return Refusal(
        "score.frozen",
        f"The score of {feature} is frozen: {plan}.",
        remedy="Take it off the board to score it anew.",
        blocked_by=Ref.of(feature.pi) if feature.pi else None,
    )


def follow_inputs(actor: Actor, feature: Feature, params: dict[str, Any]) -> None:
    """A model may count the risk tier: its scores follow when that changes."""
    if params.get("tier") and not feature.score_frozen_at:
        refresh(feature.train_id, [feature])


def follow_import(actor: Actor, made: Any, params: dict[str, Any]) -> None:
    """An import brings WSJF of its own; other models follow."""
    train = params["train"]
    if (
        not params.get("dry_run")
        and ScoringModel.objects.filter(train=train, retired_at__isnull=True).exists()
    ):
        refresh(train.pk)


register_effect("pi.commit", freeze_committed)
register_effect("feature.place", freeze_with_place)
register_effect("feature.unplace", thaw)
register_effect("feature.import_csv", follow_import)
for _verb in ("edit", "refine"):
    register_effect(f"feature.{_verb}", follow_inputs)
for _verb in ("score", "agree_score", "rate", "agree_rating"):
    register_guard(f"feature.{_verb}", not_frozen)
