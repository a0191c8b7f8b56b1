"""GET findings-report of a release or service (JSON, CSV), and where-is: in which builds and environments a library is."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.response import Response

from governance.models import Finding
from governance.pages.findings import as_csv
from governance.queries.components import where_is
from governance.queries.findings_report import Report, report_of
from releasetrain.interface import links
from releasetrain.interface.api.documentation import ProblemDetailsSerializer
from releasetrain.interface.api.problems import CONTENT_TYPE
from releasetrain.interface.api.views import OrganizationView
from releasetrain.interface.resources import resource_of
from releasetrain.kernel.canonical import plain
from releasetrain.kernel.refusals import refuse
from trains.models import Environment, Release, Service


def _problems(*statuses: int) -> dict[Any, Any]:
    return {(status, CONTENT_TYPE): OpenApiResponse(ProblemDetailsSerializer) for status in statuses}


class _Report(OrganizationView):
    model: Any

    def subject(self, ref: str) -> Any:
        resource = resource_of(self.model)
        assert resource is not None
        found = resource.find(self.actor, ref)
        if found is None:
            raise Http404
        return found


def _schema(operation: str, summary: str, kind: Any) -> Any:
    return extend_schema(
        operation_id=operation,
        summary=summary,
        tags=["gates"],
        responses={
            (200, kind): OpenApiTypes.OBJECT if kind == "application/json" else OpenApiTypes.STR,
            **_problems(401, 403, 404),
        },
    )


class ReleaseFindingsView(_Report):
    """The findings in the builds of a release."""

    model = Release

    @_schema("release_findings_report", "Findings of a release before approval", "application/json")
    def get(self, request: Any, ref: str, **_: Any) -> Response:
        return Response(document(report_of(self.subject(ref))))


class ServiceFindingsView(_Report):
    """The findings of a service."""

    model = Service

    @_schema("service_findings_report", "Findings of a service", "application/json")
    def get(self, request: Any, ref: str, **_: Any) -> Response:
        return Response(document(report_of(self.subject(ref))))


class ReleaseFindingsCsvView(_Report):
    """The rows of a release's report."""

    model = Release

    @_schema("release_findings_csv", "Findings of a release as CSV, worst first", "text/csv")
    def get(self, request: Any, ref: str, **_: Any) -> Any:
        return as_csv(self.subject(ref))


class ServiceFindingsCsvView(_Report):
    """The rows of a service's report."""

    model = Service

    @_schema("service_findings_csv", "Findings of a service as CSV, worst first", "text/csv")
    def get(self, request: Any, ref: str, **_: Any) -> Any:
        return as_csv(self.subject(ref))


def document(report: Report) -> dict[str, Any]:
    """The report as the API says it."""
    return {
        "subject": {
            "kind": type(report.subject).__name__.lower(),
            "label": str(report.subject),
            "href": links.api_url_for(report.subject),
        },
        "at": plain(report.at),
        "counts": report.counts,
        "open": sum(report.living.values()),
        "open_by_severity": report.living,
        "overdue": report.overdue,
        "new_since_production": report.new,
        "exempt": report.exempt,
        "accepted": [_accepted(finding) for finding in report.accepted],
        "builds": [
            {
                "artifact": build.artifact.digest,
                "service": build.artifact.service.name,
                "version": build.artifact.version,
                "in_production": build.before.digest if build.before else None,
                "scans": [
                    {
                        "kind": r.kind,
                        "tool": r.tool,
                        "reported_at": plain(r.reported_at),
                        "href": links.api_url_for(r),
                    }
                    for r in build.scans
                ],
                "not_scanned_for": build.missing,
            }
            for build in report.builds
        ],
    }


def _accepted(finding: Finding) -> dict[str, Any]:
    return {
        "title": finding.title,
        "severity": finding.severity,
        "until": plain(finding.accepted_until),
        "reason": finding.assessment,
        "href": links.api_url_for(finding),
    }


class WhereIsView(OrganizationView):
    """In which builds and environments a library is."""

    @extend_schema(
        operation_id="where_is_component",
        summary="Where is this library: builds with it, and the environments where they run now",
        tags=["gates"],
        parameters=[
            OpenApiParameter("q", str, required=True, description="Package URL, or a name."),
            OpenApiParameter(
                "versions", str, description="A version, or a range such as >=1.0, <1.2.6 or vers:npm/<1.2.6."
            ),
            OpenApiParameter("environment", str, description="Only what runs there; by name."),
            OpenApiParameter("deployed", bool, description="Only what runs somewhere."),
        ],
        responses={200: OpenApiTypes.OBJECT, **_problems(401, 403, 422)},
    )
    def get(self, request: Any, **_: Any) -> Response:
        asked = {
            n: request.query_params.get(n, "").replace("\0", "").strip()
            for n in ("q", "versions", "environment")
        }
        if not asked["q"]:
            refuse("required", "Name a package URL or a library.", field="q", status=422)
        environment = None
        if asked["environment"]:
            environment = Environment.objects.filter(name=asked["environment"][:120]).first()
            if environment is None:
                refuse(
                    "environment.unknown", "There is no such environment.", field="environment", status=422
                )
        deployed = request.query_params.get("deployed", "").lower() in ("true", "yes", "1")
        places = where_is(
            asked["q"][:500], asked["versions"][:200], deployed=deployed, environment=environment
        )
        return Response(
            {
                "count": len(places),
                "running": sum(1 for place in places if place.environments),
                "places": [
                    {
                        "name": place.component.name,
                        "version": place.component.version,
                        "purl": place.component.purl,
                        "licence": place.component.licence,
                        "service": place.artifact.service.name,
                        "artifact": place.artifact.digest,
                        "artifact_version": place.artifact.version,
                        "environments": [e.name for e in place.environments],
                        "releases": [r.key for r in place.releases],
                    }
                    for place in places
                ],
            }
        )
