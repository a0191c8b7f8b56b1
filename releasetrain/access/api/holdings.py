"""Who can do what, over REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response

from releasetrain.access.pages.holdings import chosen, require_reader
from releasetrain.access.queries import holdings
from releasetrain.interface.api.representation import reference
from releasetrain.interface.api.views import OrganizationView
from releasetrain.kernel.refusals import refuse

_ROW = inline_serializer(
    "AccessHolding",
    {
        "kind": serializers.ChoiceField(list(holdings.KINDS)),
        "holder": serializers.CharField(),
        "holder_id": serializers.UUIDField(),
        "role": serializers.CharField(),
        "on": serializers.CharField(),
        "since": serializers.DateTimeField(),
        "until": serializers.DateTimeField(allow_null=True),
        "granted_by": serializers.CharField(),
        "last_used_at": serializers.DateTimeField(allow_null=True),
        "last_seen_at": serializers.DateTimeField(allow_null=True),
        "unused": serializers.BooleanField(),
        "may": serializers.ListField(child=serializers.CharField()),
        "of": serializers.JSONField(),
    },
    many=True,
)


class HoldingsView(OrganizationView):
    """GET: every right in force."""

    @extend_schema(
        operation_id="access_report",
        parameters=[
            OpenApiParameter("kind", str, enum=list(holdings.KINDS)),
            OpenApiParameter("unused", bool, description="Only what no act needed for 90 days."),
        ],
        responses={200: inline_serializer("AccessReport", {"items": _ROW})},
    )
    def get(self, request: Any, **_: Any) -> Response:
        require_reader(self.actor)
        unknown = sorted(set(request.query_params) - {"kind", "unused"})
        if unknown or request.query_params.get("kind", "person") not in holdings.KINDS:
            name = unknown[0][:60] if unknown else "kind"
            refuse("filter.unknown", f"{name} is no parameter, or has no such value.", field=name)
        rows = holdings.report(**chosen(request.query_params))
        return Response(
            {
                "items": [
                    {
                        "kind": row.kind,
                        "holder": str(row.holder),
                        "holder_id": row.holder.pk,
                        "role": row.role,
                        "on": row.on,
                        "since": row.since,
                        "until": row.until,
                        "granted_by": row.granted_by,
                        "last_used_at": row.used_at,
                        "last_seen_at": row.seen_at,
                        "unused": row.unused,
                        "may": list(row.may),
                        "of": reference(row.obj),
                    }
                    for row in rows
                ]
            }
        )
