"""GET features/ranking, and POST scoring-models/<key>/preview: rankings as they are, and as they would be."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response

from planning.actions.scoring_models import read_criteria
from planning.models import PARTS, Feature, ScoringModel
from planning.queries import backlog, ranking
from planning.rules import wsjf
from planning.states import OPEN
from releasetrain.interface.api.views import OrganizationView
from releasetrain.kernel.refusals import Refusal, Refused

from .asking import train_of


class RankingView(OrganizationView):
    """The ranking of a train's open features."""

    @extend_schema(
        operation_id="features.ranking",
        summary="The ranking of a train's open features, its reasons and how firm it is",
        parameters=[OpenApiParameter("train", str, description="Key or id; may be left out with one train.")],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        train = train_of(request.query_params)
        places, agreed = backlog.ranks(train.pk), backlog.agreements()
        regime = ranking.regime(train.pk)
        features = list(
            Feature.objects.filter(train=train, state__in=OPEN)
            .select_related("agreed_by")
            .order_by("created_at")
        )
        jobs = [backlog.job_of(f) for f in features if f.wsjf is not None]
        ranked = sorted((f for f in features if f.pk in places), key=lambda f: places[f.pk].rank)
        return Response(
            {
                "train": train.key,
                "ranked_by": str(regime.version) if regime.version else "WSJF",
                "ranking": [_line(f, places[f.pk], agreed.get(f.pk)) for f in ranked],
                "unranked": [f.key for f in features if f.pk not in places],
                "columns": [
                    {"column": a.column, "smallest": a.smallest, "sentence": a.sentence}
                    for a in wsjf.anchors(jobs)
                ],
            }
        )


def _line(feature: Feature, place: backlog.Place, agreed: backlog.Agreement | None) -> dict[str, Any]:
    return {
        "rank": place.rank,
        "feature": feature.key,
        "title": feature.title,
        "score": place.score,
        "reason": place.reason,
        **{part: getattr(feature, part) for part in PARTS},
        "wsjf": None if feature.wsjf is None else str(feature.wsjf),
        "agreed_at": feature.agreed_at,
        "agreed_by": str(feature.agreed_by) if feature.agreed_by else None,
        "score_frozen_at": feature.score_frozen_at,
        "scorers": agreed.scorers if agreed else 0,
        "steps_apart": agreed.steps if agreed else 0,
        "sensitivity": place.flip.sentence if place.flip else None,
    }


class PreviewView(OrganizationView):
    """What other weights, or ranking by this model, would change."""

    @extend_schema(
        operation_id="scoring_models.preview",
        summary="The ranking that other weights would give, beside the present one; nothing is applied",
        request=inline_serializer(
            "ScoringModelPreview",
            {
                "criteria": serializers.ListField(child=serializers.DictField(), required=False),
                "method": serializers.ChoiceField(choices=["sum", "ratio"], required=False),
            },
        ),
        responses={200: OpenApiTypes.OBJECT},
    )
    def post(self, request: Any, ref: str, **kwargs: Any) -> Response:
        model = ScoringModel.objects.filter(key=ref).first()
        if model is None:
            raise Http404
        data = request.data if isinstance(request.data, dict) else {}
        unknown = sorted(set(data) - {"criteria", "method"})
        if unknown:
            raise Refused(
                Refusal(
                    "parameter.unknown",
                    f"There is no parameter {unknown[0][:40]}.",
                    field=unknown[0][:40],
                    status=422,
                )
            )
        if "criteria" not in data:
            return Response(ranking.preview_ranking(model).plain())
        method = data.get("method") or ranking.version_of(model).method
        if not isinstance(data["criteria"], list) or not isinstance(method, str):
            raise Refused(
                Refusal(
                    "scoring_model.criteria",
                    "Criteria are a list, the method is a word.",
                    field="criteria",
                    status=422,
                )
            )
        criteria = read_criteria(data["criteria"], method)
        return Response(ranking.preview_weights(model, criteria, method).plain())
