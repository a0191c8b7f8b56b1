"""The yardstick: a bare REST framework view with one SELECT, in the same server and behind the same middleware."""

from __future__ import annotations

from typing import Any

from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView

from releasetrain.tenancy.models import Organization
from releasetrain.urls import urlpatterns as product


class BareView(APIView):
    """Nobody asked, nothing checked: one row, as JSON."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []

    def post(self, request: Any) -> Response:
        found = Organization.objects.values("slug", "name", "time_zone").get(slug=request.data["slug"])
        return Response(found)


urlpatterns = [path("bare", BareView.as_view()), *product]
