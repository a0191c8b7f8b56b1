"""Files over REST: reports as they were received, evidence packages, and what verifies them."""

from __future__ import annotations

from typing import Any

from django.db.models import Model
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema

from governance.evidence.downloads import hand_out
from governance.models import Attachment, AuditPopulation, EvidencePackage, Result
from governance.pages import attachments, auditing, evidence, gates
from releasetrain.interface.api.documentation import ProblemDetailsSerializer
from releasetrain.interface.api.problems import CONTENT_TYPE
from releasetrain.interface.api.views import OrganizationView, ResourceView
from releasetrain.interface.resources import resource_of


def _file(media_type: str, *refusals: int) -> dict[Any, Any]:
    problems = {(status, CONTENT_TYPE): OpenApiResponse(ProblemDetailsSerializer) for status in refusals}
    return {(200, media_type): OpenApiTypes.BINARY, **problems}


class FileView(ResourceView):
    """A file that belongs to an object of one model."""

    model: type[Model]

    def found(self, ref: str) -> Any:
        resource = resource_of(self.model)
        assert resource is not None
        self.resource = resource
        return self.find(ref)


class PackageFileView(FileView):
    """GET: the archive of a finished evidence package. Every download is recorded."""

    model = EvidencePackage

    @extend_schema(
        operation_id="evidence_file",
        tags=["evidence"],
        summary="The archive of an evidence package",
        responses=_file("application/zip", 403, 404, 409, 410, 503),
    )
    def get(self, request: Any, ref: str, **_: Any) -> HttpResponseBase:
        package = self.found(ref)
        return evidence.archive(self.actor, hand_out(self.actor, package), package)


class PopulationRowsView(FileView):
    """GET: the frozen rows of a population, one canonical JSON object a line."""

    model = AuditPopulation

    @extend_schema(
        operation_id="audit_populations_rows",
        tags=["audit-populations"],
        summary="The frozen rows of a population",
        responses=_file("application/x-ndjson", 403, 404, 409, 503),
    )
    def get(self, request: Any, ref: str, **_: Any) -> HttpResponseBase:
        return auditing.rows_file(self.actor, self.found(ref))


class VerifierView(OrganizationView):
    """GET: the stand-alone verifier."""

    @extend_schema(
        operation_id="evidence_verifier",
        tags=["evidence"],
        summary="verify.py, which checks packages offline",
        responses=_file("text/x-python"),
    )
    def get(self, request: Any, **_: Any) -> HttpResponseBase:
        return evidence.verifier(request._request)


class PublicKeysView(OrganizationView):
    """GET: the key that packages and checkpoints are signed with."""

    @extend_schema(
        operation_id="evidence_public_keys",
        tags=["evidence"],
        summary="The organization's public key",
        responses=_file("application/x-pem-file"),
    )
    def get(self, request: Any, **_: Any) -> HttpResponseBase:
        return evidence.public_keys(request._request)


class ReportFileView(FileView):
    """GET: a posted report as it was received."""

    model = Result

    @extend_schema(
        operation_id="results_file",
        tags=["results"],
        summary="A posted report as it was received",
        responses=_file("application/octet-stream", 403, 404),
    )
    def get(self, request: Any, ref: str, **_: Any) -> HttpResponseBase:
        return gates.report_as_received(self.found(ref))


class AttachmentFileView(FileView):
    """GET: a document that was attached to an object."""

    model = Attachment

    @extend_schema(
        operation_id="attachments_file",
        tags=["attachments"],
        summary="The bytes of an attached document",
        responses=_file("application/octet-stream", 403, 404, 410),
    )
    def get(self, request: Any, ref: str, **_: Any) -> HttpResponseBase:
        return attachments.as_download(self.found(ref))
