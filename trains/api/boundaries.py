"""GET boundaries: couplings that cross trains with their costs, a proposal, and a what-if."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from releasetrain.interface.api.views import OrganizationView
from trains.queries.boundaries import Crossing, Side, analyse, read_moves

DEAREST = 3


class BoundariesView(OrganizationView):
    """The analysis of train boundaries."""

    @extend_schema(
        operation_id="boundaries",
        summary="Couplings that cross trains, their coordination cost, a proposal, and a what-if",
        parameters=[
            OpenApiParameter(
                "move",
                str,
                many=True,
                description="A team on another train, as LED:PAY or LED:new. Nothing is changed by it.",
            )
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        analysis = analyse(read_moves(request.query_params.getlist("move")))
        return Response(
            {
                "services": analysis.services,
                "couplings": analysis.couplings,
                "cost_of_all": analysis.whole,
                "today": _side(analysis.today),
                "what_if": _side(analysis.then) | {"moves": [m.word for m in analysis.moves]},
                "proposal": _side(analysis.proposal) | {"moves": [m.word for m in analysis.proposed_moves]},
                "dearest": [_crossing(c) for c in analysis.dearest(DEAREST)],
                "crossings": [_crossing(c) for c in analysis.crossings],
            }
        )


def _side(side: Side) -> dict[str, Any]:
    return {
        "crossings": side.crossings,
        "cost": side.cost,
        "trains": [
            {
                "name": group.name,
                "train": group.train.key if group.train else None,
                "teams": [team.code for team in group.teams],
                "people": group.people,
                "services": group.services,
            }
            for group in side.groups
        ],
    }


def _crossing(crossing: Crossing) -> dict[str, Any]:
    return {
        "services": [crossing.one.name, crossing.other.name],
        "kinds": dict(crossing.kinds),
        "pace": crossing.pace,
        "cost": crossing.cost,
        "crosses_today": crossing.today,
        "crosses_in_what_if": crossing.then,
        "crosses_in_proposal": crossing.proposed,
    }
