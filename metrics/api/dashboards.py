"""Dashboards over REST: the list, each one's answer as JSON or as file, and the rows behind a figure."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from metrics.dashboards import dashboards
from metrics.pages.dashboards import asked_of, file_of, the_dashboard
from metrics.presenting.data import as_data, described, figure_data, table_data
from metrics.presenting.spreadsheet import FIGURES
from releasetrain.interface.api.views import OrganizationView
from releasetrain.kernel.canonical import plain
from releasetrain.kernel.refusals import refuse

FORMS = ("json", "csv", "pdf", "png")
QUESTION = [
    OpenApiParameter("from", OpenApiTypes.DATE, description="First day; the dashboard's own default."),
    OpenApiParameter("until", OpenApiTypes.DATE, description="Last day, included; default today."),
    OpenApiParameter("train", OpenApiTypes.UUID),
    OpenApiParameter("team", OpenApiTypes.UUID),
    OpenApiParameter("service", OpenApiTypes.UUID),
    OpenApiParameter("bucket", str, enum=["day", "week", "month"]),
]


class DashboardsView(OrganizationView):
    """All dashboards."""

    @extend_schema(
        operation_id="metrics.dashboards",
        summary="The dashboards, their options and their definitions",
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        return Response({"dashboards": [plain(described(each)) for each in dashboards()]})


class DashboardView(OrganizationView):
    """One dashboard."""

    @extend_schema(
        operation_id="metrics.dashboard",
        summary="A dashboard's figures, charts, tables and data quality",
        parameters=[
            *QUESTION,
            OpenApiParameter(
                "as", str, enum=list(FORMS), description="The form of the answer; default json."
            ),
            OpenApiParameter(
                "part", str, description="With as=csv: figures, or a chart or table by its title."
            ),
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        dashboard = the_dashboard(kwargs["name"])
        organization = request._request.organization
        question = asked_of(dashboard, request.query_params, organization.time_zone)
        form = request.query_params.get("as", "json")
        if form not in FORMS:
            refuse("filter.choice", f"as is one of {', '.join(FORMS)}.", field="as")
        if form == "json":
            return Response(plain(as_data(dashboard, question, dashboard.answer(question))))
        part = request.query_params.get("part", FIGURES)
        return file_of(dashboard, question, form, part, organization.name)


class FigureView(OrganizationView):
    """One figure with its rows."""

    @extend_schema(
        operation_id="metrics.figure",
        summary="A figure of a dashboard with the rows behind it",
        parameters=QUESTION,
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        dashboard = the_dashboard(kwargs["name"])
        question = asked_of(dashboard, request.query_params, request._request.organization.time_zone)
        figure = dashboard.answer(question).figure(kwargs["figure"])
        if figure is None:
            raise Http404
        behind = table_data(figure.rows()) if figure.rows else None
        return Response(plain({**figure_data(dashboard, figure), "behind": behind}))
