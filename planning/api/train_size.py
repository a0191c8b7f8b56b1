"""GET train-size: teams and people against the guidance, coordination load against throughput."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from planning.queries.asked import train_of
from planning.queries.increments import today_of
from planning.queries.train_size import as_data, coordination, sizes
from releasetrain.interface.api.views import OrganizationView
from releasetrain.kernel.canonical import plain


class TrainSizeView(OrganizationView):
    """Sizes of all trains, and the Program Increments of one."""

    @extend_schema(
        operation_id="planning.train_size",
        summary="Sizes of trains, and coordination load against throughput over past Program Increments",
        parameters=[OpenApiParameter("train", str, description="Key or id; the first train when left out.")],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        train = train_of(request.query_params)
        found = coordination(train, today_of(train)) if train else None
        return Response(plain(as_data(sizes(), train, found)))
