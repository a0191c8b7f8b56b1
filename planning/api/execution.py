"""GET execution: an iteration's burn-up, hours and interruptions, per team and for the train."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from planning.queries import asked, execution
from releasetrain.interface.api.views import OrganizationView
from releasetrain.kernel.canonical import plain
from releasetrain.kernel.refusals import refuse


class ExecutionView(OrganizationView):
    """How an iteration runs."""

    @extend_schema(
        operation_id="planning.execution",
        summary="Burn-up, hours and interruptions of an iteration",
        parameters=[
            OpenApiParameter("train", str, description="Key or id; the first train when left out."),
            OpenApiParameter("iteration", str, description="Id or name; the running one when left out."),
            OpenApiParameter("team", str, description="Id or code; all teams when left out."),
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        query = request.query_params
        train = asked.required_train(query)
        iteration = asked.iteration_of(query, train, execution.iterations_of(train))
        if iteration is None:
            refuse(
                "iteration.absent",
                f"{train.name} has no iteration yet.",
                remedy="Create a Program Increment.",
                status=404,
            )
        found = execution.execution(train, iteration, asked.team_of(query, train))
        return Response(plain(execution.as_data(found)))
