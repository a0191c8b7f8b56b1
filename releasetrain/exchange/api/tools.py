"""GET tools: the tool catalogue with the health of each connector and the gaps."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from releasetrain.exchange.queries.tools import as_data, catalogue
from releasetrain.interface.api.views import OrganizationView
from releasetrain.kernel.canonical import plain


class ToolsView(OrganizationView):
    """The tool catalogue."""

    @extend_schema(
        operation_id="tools",
        tags=["tools"],
        summary="Which train uses which tool through which connector, the health of each, and the gaps",
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        return Response(plain(as_data(catalogue())))
