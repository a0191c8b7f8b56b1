"""GET metrics/dora: the five metrics of a period with counts, percentiles, intervals and what was left out."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from metrics.report import as_data, question_from, report
from releasetrain.interface.api.views import OrganizationView
from releasetrain.kernel.canonical import plain


class DoraView(OrganizationView):
    """The five delivery metrics."""

    @extend_schema(
        operation_id="metrics.dora",
        summary="The five delivery metrics of a period",
        parameters=[
            OpenApiParameter("from", OpenApiTypes.DATE, description="First day; default 90 days back."),
            OpenApiParameter("until", OpenApiTypes.DATE, description="Last day, included; default today."),
            OpenApiParameter("train", OpenApiTypes.UUID),
            OpenApiParameter("team", OpenApiTypes.UUID),
            OpenApiParameter("service", OpenApiTypes.UUID),
            OpenApiParameter(
                "start", str, enum=["committed", "opened", "merged"], description="Where lead time starts."
            ),
            OpenApiParameter("bucket", str, enum=["day", "week", "month"]),
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        question = question_from(request.query_params, request._request.organization.time_zone)
        return Response(plain(as_data(report(question))))
