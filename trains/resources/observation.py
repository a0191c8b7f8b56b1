"""The faces of what runtimes saw and of pipeline runs."""

from __future__ import annotations

from releasetrain.interface import navigation
from releasetrain.interface.resources import Resource, register
from trains.models import PipelineRun, RuntimeObservation

register(
    Resource(
        RuntimeObservation,
        plural="runtime-observations",
        section="releases",
        icon="eye",
        columns=("service", "environment", "version", "digest", "instances", "observed_at", "source"),
        filters=("service", "environment", "source"),
        search=("version", "digest", "service__name"),
        order=("-observed_at", "-id"),
        description="Let runtimes say what they run; it is compared with what pipelines recorded.",
    )
)
register(
    Resource(
        PipelineRun,
        plural="pipeline-runs",
        section="releases",
        icon="rocket",
        columns=(
            "external_id",
            "source",
            "service",
            "artifact",
            "commit",
            "builder",
            "definition_digest",
            "recorded_at",
        ),
        filters=("service", "artifact", "source"),
        search=("external_id", "commit", "builder", "definition_digest"),
        order=("-recorded_at", "-id"),
        select=("artifact__service",),
        description="Let pipelines record each run with its definition, commit and builder.",
    )
)
navigation.register(
    navigation.Place(
        "reconciliation",
        "Reconciliation",
        "eye",
        "deployments/reconciliation/",
        118,
        "Release",
        "Deployed and running",
    )
)
