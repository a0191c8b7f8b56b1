"""GET predictability: actual against planned business value, per team and train, by the published formula."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from planning.queries import predictability
from releasetrain.interface.api.views import OrganizationView
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.models import row_id
from trains.models import ProgramIncrement, Train


class PredictabilityView(OrganizationView):
    """Predictability of a train's Program Increments."""

    @extend_schema(
        operation_id="planning.predictability",
        summary="Predictability per team and train, Program Increment by Program Increment",
        parameters=[
            OpenApiParameter("train", str, description="Key or id of the train.", required=True),
            OpenApiParameter("pi", OpenApiTypes.UUID, description="Only this Program Increment."),
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        named, wanted = request.query_params.get("train", ""), request.query_params.get("pi", "")
        if not named:
            refuse("train.missing", "Name the train.", field="train", status=422)
        number = row_id(named)
        rows = Train.objects.filter(pk=number) if number else Train.objects.filter(key=named[:40])
        train = rows.first()
        if train is None:
            raise Http404("There is no such train.")
        if not wanted:
            beats = predictability.of_train(train)
        else:
            pi = ProgramIncrement.objects.filter(train=train, pk=row_id(wanted)).first()
            if pi is None:
                raise Http404("There is no such Program Increment.")
            beats = [predictability.of_increment(pi)]
        return Response({"train": train.key, "items": [predictability.as_data(beat) for beat in beats]})
