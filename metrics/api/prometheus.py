"""GET prometheus: the organization's releases, changes, problems, objectives and indicators, as Prometheus reads them."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema

from metrics.exposing import organization
from metrics.exposing.families import exposition
from releasetrain.interface.api.views import OrganizationView


class PrometheusView(OrganizationView):
    """Gauges of the organization in Prometheus's text format, or OpenMetrics where that is asked for."""

    @extend_schema(
        operation_id="prometheus",
        summary="Gauges of releases, deployments, changes, problems, objectives and indicators, for Prometheus",
        responses={
            (200, kind): OpenApiResponse(OpenApiTypes.STR, description="Gauges as text")
            for kind in ("text/plain", "application/openmetrics-text")
        },
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        text, content_type = exposition(organization.families(), request.headers.get("Accept", ""))
        return HttpResponse(text, content_type=content_type)
