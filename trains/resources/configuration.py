"""The faces of configuration management: items, relations, observations, baselines, tolerated differences."""

from __future__ import annotations

from releasetrain.interface import navigation
from releasetrain.interface.resources import Filter, Resource, register
from trains.models import (
    ConfigurationBaseline,
    ConfigurationItem,
    ConfigurationObservation,
    ConfigurationRelation,
    ToleratedDifference,
)
from trains.pages.configuration import item_page

_YES_NO = (("yes", "Yes"), ("no", "No"))

register(
    Resource(
        ConfigurationItem,
        plural="configuration-items",
        section="configuration",
        icon="server",
        columns=("key", "name", "kind", "version", "state", "criticality", "regulated", "team", "service"),
        filters=("kind", "state", "criticality", "regulated", "team", "service", "environment", "source"),
        search=("key", "name", "external_id", "version"),
        order=("key",),
        select=("team", "service"),
        template="trains/configuration_item.html",
        context=item_page,
    )
)
register(
    Resource(
        ConfigurationRelation,
        plural="configuration-relations",
        section="configuration",
        icon="link",
        columns=("source", "kind", "target", "origin", "ended_at"),
        filters=(
            "source",
            "target",
            "kind",
            Filter(
                "in_force",
                "In force",
                lambda rows, value: rows.filter(ended_at__isnull=value == "yes"),
                _YES_NO,
            ),
        ),
        search=("source__name", "target__name"),
        order=("source__key", "target__key", "id"),
        select=("source", "target"),
    )
)
register(
    Resource(
        ConfigurationObservation,
        plural="configuration-observations",
        section="configuration",
        icon="eye",
        columns=("external_id", "source", "item", "environment", "present", "observed_at"),
        filters=("source", "item", "environment", "present"),
        search=("external_id", "name"),
        order=("-observed_at", "-id"),
        select=("item",),
    )
)
register(
    Resource(
        ConfigurationBaseline,
        plural="configuration-baselines",
        section="configuration",
        icon="lock",
        columns=("key", "name", "release", "environment", "items", "frozen_at", "frozen_by"),
        filters=(
            "release",
            "environment",
            Filter("unit", "Deployment unit", lambda rows, value: rows.filter(units__contains=[value])),
        ),
        search=("key", "name", "content_digest"),
        order=("-frozen_at", "-id"),
    )
)
register(
    Resource(
        ToleratedDifference,
        plural="tolerated-differences",
        section="configuration",
        icon="clock",
        columns=("sentence", "item", "release", "accepted_by", "expires_at", "ended_at"),
        filters=("item", "release"),
        search=("sentence", "reason"),
        order=("-accepted_at", "-id"),
    )
)
navigation.register(
    navigation.Place(
        "configuration", "Configuration", "server", "configuration/", 121, "Assure", "Configuration items"
    )
)
