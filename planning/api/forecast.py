"""GET forecast and GET aging: when the work is likely done, and how long it has stood."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from planning.queries import aging, asked, forecast
from releasetrain.interface.api.views import OrganizationView
from releasetrain.kernel.canonical import plain

SCOPE = [
    OpenApiParameter("train", str, description="Key or id; the first train when left out."),
    OpenApiParameter("pi", str, description="Id or name; the whole open backlog when left out."),
    OpenApiParameter("team", str, description="Id or code; the whole train when left out."),
]


class ForecastView(OrganizationView):
    """Dates with 50, 85 and 95 % likelihood, the history they rest on, and effort per team."""

    @extend_schema(
        operation_id="planning.forecast",
        summary="Monte Carlo forecast from historical throughput",
        parameters=[
            *SCOPE,
            OpenApiParameter("unit", str, enum=["features", "points"]),
            OpenApiParameter("weeks", int, description="Weeks of history, 4 to 104; default 26."),
            OpenApiParameter("seed", int, description="The same seed gives the same answer; default 1."),
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        train, found = asked.outlook_of(request.query_params)
        return Response(plain(forecast.as_data(found, forecast.efforts(train))))


class AgingView(OrganizationView):
    """Days in each state, and what has stood longer than is usual."""

    @extend_schema(
        operation_id="planning.aging",
        summary="Age of open features in their states",
        parameters=SCOPE,
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        query = request.query_params
        train = asked.required_train(query)
        found = aging.aging(train, asked.increment_of(query, train), asked.team_of(query, train))
        return Response(plain(aging.as_data(found)))
