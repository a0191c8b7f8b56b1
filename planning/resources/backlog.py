"""The faces of planning: lists, pages and API of each kind of object."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from planning.actions.feature_import import import_features
from planning.models import (
    ConfidenceVote,
    Feature,
    FeatureDependency,
    FeatureScore,
    Objective,
    PlanBaseline,
    TeamCapacity,
)
from planning.pages.feature import feature_page
from planning.queries import backlog
from planning.queries.allocation import BucketChoices, in_bucket
from planning.states import OPEN
from releasetrain.interface import links
from releasetrain.interface.resources import Filter, Related, Resource, register
from releasetrain.kernel.actor import Actor
from trains.models import ScopeItem


def _shown(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    return rows.filter(state__in=OPEN) if value == "open" else rows


def _backlog(request: Any) -> dict[str, Any]:
    return {
        "ranks": backlog.ranks(),
        "agreements": backlog.agreements(),
        "estimate_url": f"{links.page_root()}features/estimate/",
        "models_url": f"{links.page_root()}scoring-models/",
        "import_decision": import_features.decide(request.actor, None, {}),
        "import_url": f"{links.page_root()}features/import/",
        "here": request.get_full_path(),
    }


def _releases(actor: Actor, feature: Feature) -> list[Any]:
    items = ScopeItem.objects.filter(source_kind="feature", source_id=feature.pk, removed_at__isnull=True)
    return [item.release for item in items.select_related("release")]


register(
    Resource(
        Feature,
        plural="features",
        section="backlog",
        icon="list",
        columns=(
            "key",
            "title",
            "kind",
            "state",
            "train",
            "team",
            "value",
            "time_criticality",
            "risk_reduction",
            "job_size",
            "wsjf",
            "points",
            "tier",
            "exposure",
            "pi",
            "iteration",
        ),
        filters=(
            Filter("show", "Show", _shown, (("open", "Open features"), ("all", "All features"))),
            "train",
            "team",
            "kind",
            "state",
            "pi",
            "theme",
            Filter("in_bucket", "Investment bucket", in_bucket, BucketChoices()),  # type: ignore[arg-type]
        ),
        search=("key", "title", "description", "external_id"),
        order=("-rank_score", "-time_criticality", "created_at"),
        template="planning/feature.html",
        context=feature_page,
        list_template="planning/backlog.html",
        list_context=_backlog,
        hidden=("source_id",),
        computed=("cost_of_delay", "exposure", "canary_marker"),
        related=(Related("Releases", _releases),),
        description="Write the first one, or import them from CSV or Jira.",
    )
)
register(
    Resource(
        FeatureDependency,
        plural="feature-dependencies",
        section="board",
        icon="board",
        columns=("consumer", "provider", "what", "needed_in", "state"),
        filters=("state", "provider", "consumer", "needed_in"),
        search=("what", "provider__key", "consumer__key", "provider__title", "consumer__title"),
        order=("-created_at",),
        description="Add one from a card of the program board.",
    )
)
register(
    Resource(
        FeatureScore,
        plural="feature-scores",
        section="backlog",
        columns=(
            "feature",
            "scorer",
            "value",
            "time_criticality",
            "risk_reduction",
            "job_size",
            "wsjf",
            "scored_at",
        ),
        filters=("feature", "scorer"),
        order=("-scored_at",),
    )
)
register(
    Resource(
        TeamCapacity,
        plural="capacities",
        section="board",
        columns=("team", "iteration", "points", "buffer", "plannable", "note"),
        filters=("team", "iteration"),
        order=("iteration__starts", "team__name"),
    )
)
register(
    Resource(
        Objective,
        plural="objectives",
        section="board",
        columns=("title", "team", "pi", "planned_value", "actual_value", "uncommitted"),
        filters=("pi", "team", "uncommitted"),
        search=("title",),
        order=("-created_at",),
    )
)
register(
    Resource(
        ConfidenceVote,
        plural="confidence-votes",
        section="board",
        columns=("voter", "pi", "fingers", "comment", "voted_at"),
        filters=("pi",),
        order=("-voted_at",),
    )
)
register(
    Resource(
        PlanBaseline,
        plural="plan-baselines",
        section="board",
        columns=("pi", "committed_at", "committed_by", "digest", "reason"),
        filters=("pi",),
        order=("-committed_at",),
        facts=("pi", "committed_at", "committed_by", "digest", "accepted", "reason"),
    )
)
