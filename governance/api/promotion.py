"""Preflight, kinds of checks and the use of waivers over REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response

from governance.checks import registry
from governance.models import ChangeRequest
from governance.preflight import Preflight, preflight
from governance.queries.waiver_use import documents
from releasetrain.interface import links
from releasetrain.interface.api.documentation import ProblemDetailsSerializer
from releasetrain.interface.api.problems import CONTENT_TYPE
from releasetrain.interface.api.views import OrganizationView
from releasetrain.interface.resources import resource_of
from releasetrain.kernel.refusals import refuse
from trains.models import Artifact, Environment, Release, Service

_FIELDS = {
    "service": "The service, by name or id.",
    "environment": "The environment, by name or id.",
    "release": "The release, by key; empty: none.",
    "change": "The change request, by key; empty: the one that covers it.",
    "digest": "The build; empty: what the release carries of the service.",
}
_ANSWER = inline_serializer(
    "PreflightAnswer",
    {
        "ready": serializers.BooleanField(),
        "at": serializers.DateTimeField(),
        "service": serializers.CharField(),
        "environment": serializers.CharField(),
        "release": serializers.CharField(allow_null=True),
        "change": serializers.CharField(allow_null=True),
        "preconditions": serializers.JSONField(),
    },
)


def _problems(*statuses: int) -> dict[Any, Any]:
    return {(status, CONTENT_TYPE): OpenApiResponse(ProblemDetailsSerializer) for status in statuses}


class PreflightView(OrganizationView):
    """GET or POST: may this service be deployed to this environment now?"""

    @extend_schema(
        operation_id="preflight_retrieve",
        tags=["gates"],
        summary="Judge every precondition of a deployment now",
        parameters=[OpenApiParameter(name, str, description=said) for name, said in _FIELDS.items()],
        responses={200: _ANSWER, **_problems(401, 403, 404, 422, 429)},
    )
    def get(self, request: Any, **_: Any) -> Response:
        return Response(_document(self._judged(request.query_params)))

    @extend_schema(
        operation_id="preflight_ask",
        tags=["gates"],
        summary="Judge every precondition of a deployment now",
        request=inline_serializer(
            "PreflightQuestion",
            {
                name: serializers.CharField(required=False, allow_blank=True, help_text=said)
                for name, said in _FIELDS.items()
            },
        ),
        responses={200: _ANSWER, **_problems(400, 401, 403, 404, 413, 415, 422, 429)},
    )
    def post(self, request: Any, **_: Any) -> Response:
        if not isinstance(request.data, dict):
            refuse("preflight.question", "Ask with an object.", field="service")
        return Response(_document(self._judged(request.data)))

    def _judged(self, given: Any) -> Preflight:
        unknown = sorted(set(given) - set(_FIELDS))
        if unknown:
            refuse("preflight.field", f"There is no field {unknown[0][:40]}.", field=unknown[0][:40])
        said = {name: given.get(name) or "" for name in _FIELDS}
        for name, value in said.items():
            if not isinstance(value, str) or len(value) > 200:
                refuse("preflight.field", "Give a text of at most 200 characters.", field=name)
        service = self._found(Service, said["service"], "service")
        environment = self._found(Environment, said["environment"], "environment")
        if not (self.actor.may("gates.ask", service) or self.actor.may("deployments.record", service)):
            refuse("permission.missing", "You need the permission gates.ask on the service.", status=403)
        release = self._found(Release, said["release"], "release") if said["release"] else None
        change = self._found(ChangeRequest, said["change"], "change") if said["change"] else None
        artifact = None
        if said["digest"]:
            artifact = Artifact.objects.filter(digest=said["digest"]).select_related("service__train").first()
            if artifact is None or artifact.service_id != service.pk:
                refuse(
                    "artifact.unknown", f"{service} has no build of this digest.", field="digest", status=404
                )
        return preflight(service, environment, release=release, artifact=artifact, change=change)

    def _found(self, model: Any, ref: str, field: str) -> Any:
        if not ref:
            refuse("required", f"Name the {field}.", field=field)
        row = model.objects.filter(name=ref).first() if model in (Service, Environment) else None
        resource = resource_of(model)
        row = row or (resource.find(self.actor, ref) if resource else None)
        if row is None:
            refuse(f"{field}.unknown", f"There is no {field} {ref[:60]}.", field=field, status=404)
        return row


def _document(found: Preflight) -> dict[str, Any]:
    return {
        "ready": found.ready,
        "at": found.at,
        "service": found.service.name,
        "environment": found.environment.name,
        "release": found.release.key if found.release else None,
        "change": found.change.key if found.change else None,
        "preconditions": [
            {
                "name": a.precondition.name,
                "title": a.precondition.title,
                "weight": a.weight,
                "verdict": a.verdict,
                "holds": a.holds,
                "reason": a.reason,
                "remedy": a.remedy,
                "objects": [
                    {
                        "kind": r.kind,
                        "id": r.id,
                        "label": r.label,
                        "href": links.api_url_of_ref(r) or None,
                        "page": links.url_of_ref(r) or None,
                    }
                    for r in a.objects
                ],
            }
            for a in found.answers
        ],
    }


class CheckKindsView(OrganizationView):
    """GET: every kind of check with the JSON Schema of its parameters."""

    @extend_schema(
        operation_id="gates_check_kinds",
        tags=["gates"],
        summary="The kinds of checks and the schema of their parameters",
        responses={
            200: inline_serializer(
                "CheckKind",
                {
                    "kind": serializers.CharField(),
                    "title": serializers.CharField(),
                    "help": serializers.CharField(),
                    "subject": serializers.CharField(),
                    "max_age_hours": serializers.IntegerField(),
                    "parameters": serializers.JSONField(),
                },
                many=True,
            ),
            **_problems(401, 403, 404, 429),
        },
    )
    def get(self, request: Any, **_: Any) -> Response:
        return Response(
            [
                {
                    "kind": k.kind,
                    "title": k.title,
                    "help": k.help,
                    "subject": k.subject,
                    "max_age_hours": k.max_age_hours,
                    "parameters": k.schema,
                }
                for k in registry.kinds().values()
            ]
        )


class WaiverUseView(OrganizationView):
    """GET: all waivers with what they were used for."""

    @extend_schema(
        operation_id="waivers_use",
        tags=["waivers"],
        summary="All waivers, where they stand and what they let through",
        responses={
            200: inline_serializer(
                "WaiverUse",
                {
                    "counts": serializers.JSONField(),
                    "used": serializers.IntegerField(),
                    "waivers": serializers.JSONField(),
                },
            ),
            **_problems(401, 403, 404, 429),
        },
    )
    def get(self, request: Any, **_: Any) -> Response:
        return Response(documents())
