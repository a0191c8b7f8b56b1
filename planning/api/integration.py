"""GET integration-milestones: required versions with their evidence and the state computed from it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from planning.queries.asked import train_of
from planning.queries.integration import as_data, integration_milestones
from releasetrain.interface.api.views import OrganizationView
from releasetrain.kernel.canonical import plain


class IntegrationMilestonesView(OrganizationView):
    """States are computed from deployments and posted contract test results; nobody types them in."""

    @extend_schema(
        operation_id="planning.integration_milestones",
        summary="Integration milestones with required versions, their evidence and their state",
        parameters=[OpenApiParameter("train", str, description="Key or id; all trains when left out.")],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        train = train_of(request.query_params) if request.query_params.get("train") else None
        return Response(plain({"results": [as_data(m) for m in integration_milestones(train)]}))
