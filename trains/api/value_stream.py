"""GET value-stream: waiting and working time of a pipeline, per stage and handoff."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from releasetrain.interface.api.views import OrganizationView
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.models import row_id
from trains.models import Pipeline
from trains.queries.value_stream import DAYS, as_data, stream_of

LONGEST = 3_650


class ValueStreamView(OrganizationView):
    """The value stream of one pipeline."""

    @extend_schema(
        operation_id="value_stream",
        summary="Waiting and working time per stage and handoff of a pipeline",
        parameters=[
            OpenApiParameter("pipeline", OpenApiTypes.UUID, required=True),
            OpenApiParameter("days", int, description="How far back; default 90."),
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        ident = row_id(request.query_params.get("pipeline", ""))
        pipeline = Pipeline.objects.filter(pk=ident).select_related("service").first() if ident else None
        if pipeline is None:
            refuse("pipeline.unknown", "Name a pipeline by its id.", field="pipeline", status=422)
        asked = request.query_params.get("days", str(DAYS))
        if not (asked.isascii() and asked.isdigit() and 1 <= int(asked[:6]) <= LONGEST):
            refuse("days.range", f"Days are a number from 1 to {LONGEST}.", field="days", status=422)
        return Response(as_data(stream_of(pipeline, int(asked))))
