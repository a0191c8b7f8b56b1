"""GET sequence: the proposed order of a train's features, each with its iteration and its reason."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from planning.queries.asked import flag, increment_of, required_train
from planning.queries.sequence import as_data, sequence
from releasetrain.interface.api.views import OrganizationView
from releasetrain.kernel.canonical import plain


class SequenceView(OrganizationView):
    """A preview: nothing is written. `trains/{id}/apply_sequence` takes its digest."""

    @extend_schema(
        operation_id="planning.sequence",
        summary="The proposed sequence of a train's features",
        parameters=[
            OpenApiParameter("train", str, description="Key or id; the first train when left out."),
            OpenApiParameter("pi", str, description="Id or name; all open ones when left out."),
            OpenApiParameter(
                "keep", bool, description="Leave what is planned where it stands; default true."
            ),
            OpenApiParameter("whole", bool, description="Also place what is not refined, to look ahead."),
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        query = request.query_params
        train = required_train(query)
        found = sequence(
            train,
            increment_of(query, train),
            keep=flag(query, "keep", default=True),
            whole=flag(query, "whole", default=False),
        )
        return Response(plain(as_data(found)))
