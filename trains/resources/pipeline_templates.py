"""The faces of pipeline templates and of secrets by reference."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import DurationField, ExpressionWrapper, F, QuerySet, Value

from releasetrain.interface import navigation
from releasetrain.interface.resources import Filter, Resource, register
from releasetrain.kernel.clock import now
from trains.models import PipelineTemplate, SecretReference
from trains.pages.pipeline_templates import template_page


def _shown(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    if value == "retired":
        return rows.filter(retired_at__isnull=False)
    rows = rows.filter(retired_at__isnull=True)
    if value == "unknown":
        return rows.filter(rotated_at__isnull=True)
    allowed = ExpressionWrapper(Value(timedelta(days=1)) * F("rotate_days"), output_field=DurationField())
    return rows.filter(rotated_at__lt=now() - allowed) if value == "overdue" else rows


register(
    Resource(
        PipelineTemplate,
        plural="pipeline-templates",
        section="pipeline-templates",
        icon="branch",
        columns=("name", "number", "branch", "description", "created_at"),
        search=("name", "description"),
        order=("name", "-number", "id"),
        description="Write which stages every pipeline has to have; the files for GitHub, GitLab and Jenkins are made of it.",
        template="trains/pipeline_template.html",
        context=template_page,
    )
)
register(
    Resource(
        SecretReference,
        plural="secret-references",
        section="pipeline-templates",
        icon="lock",
        columns=("name", "service", "stage", "place", "users", "rotation", "read_at", "fault"),
        filters=(
            Filter(
                "show",
                "Show",
                _shown,
                (
                    ("current", "Current"),
                    ("overdue", "Rotation overdue"),
                    ("unknown", "Rotation not known"),
                    ("retired", "Retired"),
                ),
            ),
            "stage",
        ),
        search=("name", "path", "purpose"),
        order=("name", "id"),
        computed=("place", "rotation"),
        select=("stage__pipeline__service",),
        description="Say where in Vault the secrets of a stage lie. Values are never taken.",
    )
)
navigation.register(
    navigation.Place(
        "pipeline-templates", "Pipelines", "branch", "pipelines/drift/", 120, "Release", "Drift of pipelines"
    )
)
