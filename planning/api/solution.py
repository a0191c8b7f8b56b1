"""GET solution-rollup: a solution train with its trains, dependencies, milestones and readiness."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from planning.queries.solution import as_data, roll_up
from releasetrain.interface.api.views import OrganizationView
from releasetrain.kernel.canonical import plain
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import SolutionTrain


class SolutionView(OrganizationView):
    """The roll-up of one solution train."""

    @extend_schema(
        operation_id="planning.solution_rollup",
        summary="A solution train rolled up in one of its increments",
        parameters=[
            OpenApiParameter("solution", str, required=True, description="Key, e.g. SOL-1."),
            OpenApiParameter("increment", str, description="Name; the running one when left out."),
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        word = request.query_params.get("solution", "").replace("\0", "")[:40]
        solution = SolutionTrain.objects.filter(key=word).first()
        if solution is None:
            refuse("solution.unknown", "Name a solution train by its key.", field="solution", status=422)
        name = request.query_params.get("increment", "").replace("\0", "")[:40]
        increment = solution.increments.filter(name=name).first() if name else None
        if name and increment is None:
            refuse("solution_increment.unknown", f"{solution} has no {name}.", field="increment", status=422)
        found = roll_up(solution, now().date(), increment.pk if increment else None)
        return Response(plain(as_data(found)))
