"""Coverage of goals, allocation of a Program Increment, and what a quarterly review changed."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from planning.models import QuarterlyReview
from planning.queries import goals
from planning.queries.allocation import allocation
from planning.rules.picture import difference
from releasetrain.interface.api.views import OrganizationView

from .asking import increment_of, train_of


class CoverageView(OrganizationView):
    """How far the backlog covers the quarterly goals."""

    @extend_schema(
        operation_id="quarterly_goals.coverage",
        summary="Coverage of each quarterly goal, themes without a goal, and features that serve none",
        parameters=[
            OpenApiParameter("train", str, description="Key or id; may be left out with one train."),
            OpenApiParameter("quarter", str, description="E.g. 2026-Q4; all when left out."),
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        train = train_of(request.query_params)
        found = goals.coverage(train, request.query_params.get("quarter", ""))
        return Response(
            {
                "train": train.key,
                "goals": [
                    {
                        "goal": line.goal.key,
                        "title": line.goal.title,
                        "kind": line.goal.kind,
                        "quarter": line.goal.quarter,
                        "gap": line.gap,
                        "themes": [theme.name for theme, _ in line.themes],
                        **line.covered.plain(),
                    }
                    for line in found.goals
                ],
                "themes_without_goal": [theme.name for theme, _ in found.loose_themes],
                "orphans": [f.key for f in found.orphans],
                "orphan_points": found.orphan_points,
                "share_of_open_points": found.share,
            }
        )


class AllocationView(OrganizationView):
    """Target, planned and actual shares of a Program Increment."""

    @extend_schema(
        operation_id="increments.allocation",
        summary="Target, planned and actual share of each investment bucket in a Program Increment",
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, ref: str, **kwargs: Any) -> Response:
        pi = increment_of(ref)
        found = allocation(pi)
        return Response({"pi": pi.name, "planned_is_committed": found.committed, "buckets": found.plain()})


class ReviewView(OrganizationView):
    """The two pictures of a quarterly review and their difference."""

    @extend_schema(
        operation_id="quarterly_reviews.difference",
        summary="The pictures before and after a quarterly review, and what differs",
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, ref: str, **kwargs: Any) -> Response:
        review = QuarterlyReview.objects.filter(key=ref).first()
        if review is None:
            raise Http404
        found = difference(review.before, review.after) if review.before and review.after else ()
        return Response(
            {
                "review": review.key,
                "state": review.state,
                "before": review.before,
                "after": review.after,
                "difference": [
                    {"area": d.area, "key": d.key, "kind": d.kind, "sentence": d.sentence} for d in found
                ],
            }
        )
