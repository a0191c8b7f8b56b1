"""Search as an endpoint."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from releasetrain.interface import search

from .representation import ObjectReferenceSerializer, reference
from .views import OrganizationView


class SearchGroupSerializer(serializers.Serializer):
    """Objects of one kind that match."""

    kind = serializers.CharField()
    title = serializers.CharField()
    items = ObjectReferenceSerializer(many=True)


class SearchResultSerializer(serializers.Serializer):
    """What was found, by kind."""

    items = SearchGroupSerializer(many=True)


class SearchView(OrganizationView):
    """Search over everything you may see."""

    @extend_schema(
        operation_id="search",
        tags=["search"],
        parameters=[
            OpenApiParameter(
                "q",
                str,
                required=True,
                description="Words that must all occur, each at least by its beginning.",
            ),
            OpenApiParameter("kind", str, description="Objects of this kind only, e.g. release."),
        ],
        responses=SearchResultSerializer,
    )
    def get(self, request: Any, **_: Any) -> Response:
        found = search.find(
            self.actor, request.query_params.get("q", ""), kind=request.query_params.get("kind", "")
        )
        return Response(
            {
                "items": [
                    {
                        "kind": resource.kind,
                        "title": resource.title,
                        "items": [reference(hit.obj) for hit in hits],
                    }
                    for resource, hits in found
                ]
            }
        )
