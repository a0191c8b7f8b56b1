"""GET control-coverage: what every control rests on did in a period, and the rows behind each number."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from governance.pages.controls import rows_asked
from governance.queries.asked import asked_period
from governance.queries.coverage import OUTCOMES, STATES
from governance.queries.matrix import as_data, matrix
from releasetrain.interface.api.views import OrganizationView
from releasetrain.kernel.canonical import plain

PERIOD = [
    OpenApiParameter("from", OpenApiTypes.DATE, description="First day; default 90 days back."),
    OpenApiParameter("until", OpenApiTypes.DATE, description="Last day, included; default today."),
]


class CoverageView(OrganizationView):
    """The coverage of controls."""

    @extend_schema(
        operation_id="controls.coverage",
        tags=["controls"],
        summary="What controls rest on, and what that did in a period",
        parameters=[
            *PERIOD,
            OpenApiParameter("catalogue", str, description="Id or short name; default all in use."),
            OpenApiParameter("baseline", str),
            OpenApiParameter("state", str, enum=list(STATES)),
            OpenApiParameter("q", str, description="In code or title."),
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        given = request.query_params
        return Response(plain(as_data(matrix(given, asked_period(given)))))


class CoverageRowsView(OrganizationView):
    """The rows behind a number of the coverage."""

    @extend_schema(
        operation_id="controls.coverage_rows",
        tags=["controls"],
        summary="The rows behind a number of the coverage",
        parameters=[
            *PERIOD,
            OpenApiParameter("control", OpenApiTypes.UUID),
            OpenApiParameter(
                "mapping", OpenApiTypes.UUID, description="Instead of control: one of its mappings."
            ),
            OpenApiParameter("outcome", str, enum=list(OUTCOMES)),
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        control, period, found, outcome = rows_asked(request.query_params)
        return Response(
            plain(
                {
                    "control": control.pk,
                    "code": control.code,
                    "from": period.starts,
                    "until": period.ends,
                    "outcome": outcome or None,
                    "rests_on": [
                        {
                            "mapping": mapping.pk,
                            "kind": mapping.kind,
                            "target": mapping.target,
                            "rows": [row.as_data for row in listed],
                        }
                        for mapping, listed in found
                    ],
                }
            )
        )
