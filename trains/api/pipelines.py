"""GET pipeline-drift, the files of templates, and the secrets that a pipeline may use at a stage."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from releasetrain.interface import links
from releasetrain.interface.api.views import OrganizationView
from releasetrain.kernel.canonical import plain
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import PipelineTemplate, Service
from trains.pages.pipeline_templates import said_of
from trains.queries.pipeline_templates import file_of, lines_of
from trains.queries.secret_references import usable
from trains.rules.pipeline_files import FORGES

_SERVICE = OpenApiParameter("service", str, required=True, description="By name.")


def _service(request: Any) -> Service:
    named = request.query_params.get("service", "").replace("\0", "").strip()
    found = Service.objects.filter(name=named[:120]).first()
    if found is None:
        refuse("service.unknown", f"There is no service {named[:80]}.", field="service", status=422)
    return found


class PipelineFileView(OrganizationView):
    """The file that a template gives for a service."""

    @extend_schema(
        operation_id="pipeline_template_file",
        summary="The file of a service's pipeline, ready to be committed: path, digest, text",
        parameters=[_SERVICE, OpenApiParameter("forge", str, required=True, enum=list(FORGES))],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, ref: Any) -> Response:
        template = PipelineTemplate.objects.filter(pk=ref).first()
        if template is None:
            refuse("absent", "There is no such template.", status=404)
        forge = request.query_params.get("forge", "")
        if forge not in FORGES:
            refuse("forge.unknown", f"A forge is one of {', '.join(FORGES)}.", field="forge", status=422)
        found = file_of(template, _service(request), forge)
        return Response({"path": found.path, "digest": found.digest, "text": found.text})


class PipelineDriftView(OrganizationView):
    """How pipelines drift from their templates."""

    @extend_schema(
        operation_id="pipeline_drift",
        summary="Pipelines against their templates: same, changed, outdated, missing, unreported",
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        return Response(
            {
                "pipelines": [
                    {
                        "service": line.pipeline.service.name,
                        "pipeline": links.api_url_for(line.pipeline),
                        "template": str(line.template),
                        "newest_version": line.newest,
                        "forge": line.pipeline.forge,
                        "drift": line.drift.kind,
                        "missing_stages": list(line.drift.missing),
                        "out_of_order": line.drift.out_of_order,
                        "sentence": said_of(line),
                        "expected_digest": line.expected,
                        "digest": line.run.definition_digest if line.run else None,
                        "run": links.api_url_for(line.run) if line.run else None,
                    }
                    for line in lines_of()
                ]
            }
        )


class StageSecretsView(OrganizationView):
    """Where the secrets of a stage lie, for those who may use them."""

    @extend_schema(
        operation_id="stage_secrets",
        summary="Where the secrets of a stage lie in Vault: only those that the asker may use there",
        parameters=[_SERVICE, OpenApiParameter("stage", str, required=True, description="By name.")],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        stage = request.query_params.get("stage", "").replace("\0", "").strip()
        if not stage:
            refuse("required", "Name the stage.", field="stage", status=422)
        moment = now()
        return Response(
            {
                "secrets": [
                    {
                        "name": row.name,
                        "mount": row.mount,
                        "path": row.path,
                        "key": row.key,
                        "rotated_at": plain(row.rotated_at),
                        "overdue": row.is_overdue(moment),
                    }
                    for row in usable(request.actor, _service(request), stage[:80])
                ]
            }
        )
