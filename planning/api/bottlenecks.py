"""GET bottlenecks: recurring trouble with dependencies by provider, service and cause, and proposals."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from planning.queries import asked, bottlenecks
from releasetrain.interface.api.views import OrganizationView
from releasetrain.kernel.canonical import plain


class BottlenecksView(OrganizationView):
    """Where deliveries between teams keep failing."""

    @extend_schema(
        operation_id="planning.bottlenecks",
        summary="Recurring dependency bottlenecks across Program Increments",
        parameters=[OpenApiParameter("train", str, description="Key or id; all trains when left out.")],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        query = request.query_params
        train = asked.train_of(query) if query.get("train", "").strip() else None
        return Response(plain(bottlenecks.as_data(bottlenecks.bottlenecks(train))))
