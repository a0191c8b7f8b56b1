"""The faces of integration: required versions, integration points, what features need of both and of other trains."""

from __future__ import annotations

from django.db.models import QuerySet

from planning.models import FeatureIntegration, IntegrationPoint, TrainNeed, VersionRequirement
from releasetrain.interface.resources import Filter, Resource, register


def _in_use(rows: QuerySet[IntegrationPoint], value: str) -> QuerySet[IntegrationPoint]:
    return rows.filter(retired_at__isnull=value == "yes")


register(
    Resource(
        VersionRequirement,
        plural="version-requirements",
        section="calendar",
        columns=("milestone", "service", "minimum_version", "environment", "contract_tests", "withdrawn_at"),
        filters=("milestone", "service", "environment"),
        order=("milestone__on", "service__name"),
        select=("service", "environment"),
    )
)
register(
    Resource(
        IntegrationPoint,
        plural="integration-points",
        section="backlog",
        icon="plug",
        columns=("name", "kind", "service", "owner", "contact", "retired_at"),
        filters=(
            "kind",
            "owner",
            "service",
            Filter("in_use", "In use", _in_use, (("yes", "Yes"), ("no", "No"))),
        ),
        search=("name", "contact", "description"),
        order=("name",),
        description="Register the shared services, data platforms and third parties that features build on.",
    )
)
register(
    Resource(
        FeatureIntegration,
        plural="feature-integrations",
        section="backlog",
        columns=("feature", "point", "what", "needed_by", "state", "note"),
        filters=("state", "point", "feature"),
        search=("what", "point__name", "feature__key", "feature__title"),
        order=("feature__key", "point__name"),
        select=("feature", "point"),
    )
)
register(
    Resource(
        TrainNeed,
        plural="train-needs",
        section="backlog",
        columns=("feature", "dependency", "dropped_at"),
        filters=("feature", "dependency"),
        order=("feature__key",),
        select=("feature", "dependency"),
    )
)
