"""The faces of versions, contracts, shared platforms and joint incident plans."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from releasetrain.interface import navigation
from releasetrain.interface.resources import Filter, Resource, register
from trains.models import (
    CompatibilityRule,
    Contract,
    ContractVerification,
    ContractVersion,
    IncidentDrill,
    IncidentPlan,
    IncidentPlanRole,
    IncidentPlanTrain,
    LevelMeasurement,
    ServiceLevel,
    SharedPlatform,
    SkewLimit,
)

_IN_FORCE = (("yes", "Yes"), ("no", "No"))


def _in_force(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    return rows.filter(retired_at__isnull=value == "yes")


register(
    Resource(
        CompatibilityRule,
        plural="compatibility-rules",
        section="compatibility",
        icon="link",
        columns=("service", "versions", "requires", "range", "environment", "retired_at"),
        filters=("service", "requires", "environment", Filter("in_force", "In force", _in_force, _IN_FORCE)),
        search=("range", "versions", "reason"),
        order=("service__name", "requires__name", "id"),
    )
)
register(
    Resource(
        SkewLimit,
        plural="skew-limits",
        section="compatibility",
        columns=("service", "ahead", "behind", "at_most", "part", "retired_at"),
        filters=("service", "ahead", "behind", Filter("in_force", "In force", _in_force, _IN_FORCE)),
        search=("reason",),
        order=("created_at", "id"),
    )
)
register(
    Resource(
        Contract,
        plural="contracts",
        section="compatibility",
        icon="link",
        columns=("consumer", "provider", "name", "kind", "retired_at"),
        filters=("consumer", "provider", "kind", Filter("in_force", "In force", _in_force, _IN_FORCE)),
        search=("name", "description"),
        order=("consumer__name", "provider__name", "name"),
    )
)
register(
    Resource(
        ContractVersion,
        plural="contract-versions",
        section="compatibility",
        columns=("contract", "consumer_version", "expectations", "format", "published_at"),
        filters=("contract",),
        search=("consumer_version", "content_digest"),
        order=("-published_at", "-id"),
        select=("contract__consumer", "contract__provider"),
    )
)
register(
    Resource(
        ContractVerification,
        plural="contract-verifications",
        section="compatibility",
        columns=("contract", "provider_version", "success", "total", "failed", "format", "reported_at"),
        filters=("contract", "success"),
        search=("provider_version", "content_digest", "run_url"),
        order=("-reported_at", "-id"),
        select=("contract__consumer", "contract__provider"),
    )
)
register(
    Resource(
        SharedPlatform,
        plural="shared-platforms",
        section="trains",
        icon="server",
        columns=("name", "provider", "service", "contact"),
        filters=("provider",),
        search=("name", "description"),
        order=("name",),
    )
)
register(
    Resource(
        ServiceLevel,
        plural="service-levels",
        section="trains",
        columns=("platform", "consumer", "indicator", "promise", "measured", "measured_at", "breached_since"),
        filters=(
            "platform",
            "consumer",
            Filter(
                "breached",
                "Breached",
                lambda rows, value: rows.filter(breached_since__isnull=value == "no"),
                (("yes", "Yes"), ("no", "No")),
            ),
        ),
        search=("indicator",),
        order=("platform__name", "consumer__key", "indicator", "id"),
        computed=("promise",),
    )
)
register(
    Resource(
        LevelMeasurement,
        plural="level-measurements",
        section="trains",
        columns=("level", "at", "value", "met", "source"),
        filters=("level", "met"),
        order=("-at", "-id"),
        select=("level__platform", "level__consumer"),
    )
)
register(
    Resource(
        IncidentPlan,
        plural="incident-plans",
        section="incidents",
        icon="alert",
        columns=("key", "title", "standing", "last_exercised_on", "drill_days", "bridge"),
        search=("key", "title", "trigger", "bridge"),
        order=("key",),
        computed=("standing",),
    )
)
register(
    Resource(
        IncidentPlanTrain,
        plural="incident-plan-trains",
        section="incidents",
        columns=("plan", "train"),
        filters=("plan", "train"),
        order=("created_at", "id"),
        part_of=lambda row: row.plan,
    )
)
register(
    Resource(
        IncidentPlanRole,
        plural="incident-plan-roles",
        section="incidents",
        columns=("duty", "person", "name", "deputy", "contact", "train", "plan", "ended_at"),
        filters=("plan", "duty", "train"),
        search=("name", "contact"),
        order=("created_at", "id"),
    )
)
register(
    Resource(
        IncidentDrill,
        plural="incident-drills",
        section="incidents",
        columns=("held_on", "scenario", "outcome", "minutes_to_assemble", "plan", "recorded_by"),
        filters=("plan", "outcome"),
        search=("scenario", "findings"),
        order=("-held_on", "-id"),
    )
)
navigation.register(
    navigation.Place(
        "compatibility",
        "Versions",
        "link",
        "compatibility/",
        125,
        "Release",
        "Versions, contracts, can I deploy",
    )
)
