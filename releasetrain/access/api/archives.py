"""The archive of an organization over REST."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema

from releasetrain.access.pages.archives import given
from releasetrain.interface.api.views import OrganizationView


class ArchiveFileView(OrganizationView):
    """GET: the finished archive. Every download is recorded."""

    @extend_schema(
        operation_id="organization_archive_file", responses={(200, "application/zip"): OpenApiTypes.BINARY}
    )
    def get(self, request: Any, ref: str, **_: Any) -> HttpResponseBase:
        return given(self.actor, ref)
