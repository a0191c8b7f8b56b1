"""One view: read the body, one SELECT, answer JSON."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView


class OneSelect(APIView):
    """POST, as asking a gate is."""

    def post(self, request: Any) -> Response:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, slug, name FROM tenancy_organization WHERE slug = %s", [request.data["slug"]]
            )
            pk, slug, name = cursor.fetchone()
        return Response({"id": str(pk), "slug": slug, "name": name})


urlpatterns = [path("bare", OneSelect.as_view())]
