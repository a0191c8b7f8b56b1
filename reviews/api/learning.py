"""GET review-archive, review-health, risk-calibration."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.response import Response

from releasetrain.interface.api.views import OrganizationView
from releasetrain.interface.resources import resource_of
from releasetrain.kernel.canonical import plain
from releasetrain.kernel.clock import now
from reviews.models import CaseStudy
from reviews.queries import calibration as calibrations
from reviews.queries.archive import search_records
from reviews.queries.health import as_data, health, quarter_of, read_quarter

MOST = 100


class ArchiveView(OrganizationView):
    """Full-text search over what was said in reviews."""

    @extend_schema(
        operation_id="reviews.archive",
        tags=["reviews"],
        summary="Search transcripts, minutes and recordings that you may read",
        parameters=[OpenApiParameter("q", str, required=True, description='Words; "a phrase", or, -not.')],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        words = request.query_params.get("q", "").replace("\0", "").strip()
        if not words or len(words) > 200:
            raise ValidationError({"q": ["Say what to look for, in at most 200 characters."]})
        rows = list(search_records(request.actor, words)[:MOST])
        return Response(
            plain(
                {
                    "q": words,
                    "results": [
                        {
                            "id": row.pk,
                            "review": row.review.key,
                            "kind": row.kind,
                            "title": row.title,
                            "held_on": row.held_on,
                            "passage": row.passage,
                            "rank": round(row.rank, 6),
                        }
                        for row in rows
                    ],
                }
            )
        )


class HealthView(OrganizationView):
    """The anonymised quarterly report."""

    @extend_schema(
        operation_id="reviews.health",
        tags=["reviews"],
        summary="Findings of a quarter's reviews, in counts of at least five",
        parameters=[OpenApiParameter("quarter", str, description="2026-Q4; default the last whole one.")],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        asked = request.query_params.get("quarter", "")
        quarter = read_quarter(asked) if asked else quarter_of(now().date()).before
        if quarter is None:
            raise ValidationError({"quarter": ["Write a quarter like 2026-Q4."]})
        return Response(plain(as_data(health(quarter))))


class CalibrationView(OrganizationView):
    """Predicted against actual risk of changes."""

    @extend_schema(
        operation_id="reviews.calibration",
        tags=["reviews"],
        summary="Brier score and calibration of the predicted risk of changes",
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        return Response(plain(calibrations.as_data(*calibrations.judged())))


class RedactionsView(OrganizationView):
    """What was taken out of a case study, for those who look at it before it is published."""

    @extend_schema(
        operation_id="reviews.redactions",
        tags=["reviews"],
        summary="The text of a case study before redaction, and every place that was taken out",
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, reference: str, *args: Any, **kwargs: Any) -> Response:
        resource = resource_of(CaseStudy)
        assert resource is not None
        study = resource.find(request.actor, reference)
        if study is None or not request.actor.may("reviews.facilitate", study):
            raise NotFound()
        return Response(
            plain(
                {"key": study.key, "source": study.source, "body": study.body, "redactions": study.redactions}
            )
        )
