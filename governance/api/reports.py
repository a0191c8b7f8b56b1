"""GET decisions and GET governance-report."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from governance.api.controls import PERIOD
from governance.pages.governance_report import asked_report
from governance.queries.asked_decisions import asked
from governance.queries.decisions import KINDS, find
from governance.queries.decisions import as_data as decisions_data
from governance.queries.documents import register_data, standing_of_kinds
from governance.queries.governance_report import as_data
from releasetrain.interface.api.views import OrganizationView
from releasetrain.kernel.canonical import plain
from releasetrain.kernel.clock import now


class DecisionsView(OrganizationView):
    """The register of decisions."""

    @extend_schema(
        operation_id="decisions.find",
        tags=["decisions"],
        summary="Decisions with their reasons, newest first",
        parameters=[
            OpenApiParameter("q", str, description="Words of the reasons, or of the object's name."),
            OpenApiParameter("kind", str, enum=list(KINDS)),
            OpenApiParameter("person", OpenApiTypes.UUID),
            OpenApiParameter(
                "service", OpenApiTypes.UUID, many=True, description="And all that belongs to it."
            ),
            OpenApiParameter(
                "release", OpenApiTypes.UUID, many=True, description="And all that belongs to it."
            ),
            OpenApiParameter("subject", str, description="The id of exactly one object."),
            OpenApiParameter("since", str, description="A day or a moment."),
            OpenApiParameter("until", str, description="A day, included, or a moment."),
            OpenApiParameter("before", OpenApiTypes.INT, description="Goes on where `next` says."),
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        found, more = find(self.actor, asked(request.query_params))
        return Response(plain({"decisions": decisions_data(found), "next": more}))


class GovernanceReportView(OrganizationView):
    """The report on governance."""

    @extend_schema(
        operation_id="governance.report",
        tags=["decisions"],
        summary="Success of changes, emergencies, waivers and the way to approval in a period",
        parameters=[*PERIOD, OpenApiParameter("train", str, description="A train's key.")],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        return Response(plain(as_data(asked_report(request.query_params))))


class DocumentRegisterView(OrganizationView):
    """Documents required and in force."""

    @extend_schema(
        operation_id="documents.register",
        tags=["documents"],
        summary="For each kind of document what is in force and what is missing",
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        return Response(plain({"kinds": register_data(standing_of_kinds(None, now()))}))
