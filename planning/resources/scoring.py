"""The faces of scoring models, of what was scored under them, and of themes and goals."""

from __future__ import annotations

from planning.models import (
    FrozenScore,
    ModelRating,
    ModelScore,
    ScoringModel,
    ScoringModelVersion,
    Theme,
)
from planning.pages.scoring_model import model_page, new_model_button
from releasetrain.interface.resources import Resource, register

register(
    Resource(
        ScoringModel,
        plural="scoring-models",
        section="backlog",
        columns=("key", "name", "train", "version", "ranks_backlog", "retired_at"),
        filters=("train", "ranks_backlog"),
        search=("key", "name", "purpose"),
        order=("name",),
        template="planning/scoring_model.html",
        context=model_page,
        list_template="planning/scoring_models.html",
        list_context=new_model_button,
        description="Without one, the backlog is ranked by WSJF.",
    )
)
register(
    Resource(
        ScoringModelVersion,
        plural="scoring-model-versions",
        section="backlog",
        columns=("model", "number", "method", "published_at", "published_by", "reason"),
        filters=("model",),
        order=("model__name", "-number"),
        part_of=lambda version: version.model,
    )
)
register(
    Resource(
        ModelScore,
        plural="model-scores",
        section="backlog",
        columns=("feature", "model", "version", "scorer", "scored_at"),
        filters=("model", "feature", "scorer"),
        order=("-scored_at",),
        select=("version__model",),
        part_of=lambda score: score.feature,
    )
)
register(
    Resource(
        ModelRating,
        plural="model-ratings",
        section="backlog",
        columns=("feature", "model", "score", "version", "agreed_at", "agreed_by"),
        filters=("model", "version", "feature"),
        order=("-score",),
        select=("version__model",),
        part_of=lambda rating: rating.feature,
    )
)
register(
    Resource(
        FrozenScore,
        plural="frozen-scores",
        section="backlog",
        columns=("feature", "pi", "wsjf", "rank_score", "version", "frozen_at"),
        filters=("pi", "feature", "version"),
        order=("-frozen_at",),
        select=("version__model",),
        part_of=lambda score: score.feature,
    )
)
register(
    Resource(
        Theme,
        plural="themes",
        section="backlog",
        columns=("name", "train", "quarterly_goal", "goal"),
        filters=("train", "quarterly_goal"),
        search=("name", "goal"),
        order=("name",),
    )
)
