"""GET capacity: a Program Increment's capacities as they are set and as the rules suggest them, with the arithmetic."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from planning.queries import asked
from planning.queries.capacity import as_data, capacity_plan
from releasetrain.interface.api.views import OrganizationView
from releasetrain.kernel.canonical import plain


class CapacityView(OrganizationView):
    """Capacities by team and iteration, each with its arithmetic."""

    @extend_schema(
        operation_id="planning.capacity",
        summary="Capacities of a Program Increment, set and suggested",
        parameters=[
            OpenApiParameter("train", str, description="Key or id; the first train when left out."),
            OpenApiParameter("pi", str, description="Id or name; the current one when left out."),
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        return Response(plain(as_data(capacity_plan(asked.required_increment(request.query_params)))))
