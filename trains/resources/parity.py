"""The faces of parity: fact sets as they were posted, and the comparison in the navigation."""

from __future__ import annotations

from releasetrain.interface import navigation
from releasetrain.interface.resources import Resource, register
from trains.models import EnvironmentFacts

register(
    Resource(
        EnvironmentFacts,
        plural="environment-facts",
        section="parity",
        icon="eye",
        columns=("environment", "source", "observed_at", "count", "digest"),
        filters=("environment", "source"),
        search=("source", "digest"),
        order=("-observed_at", "-id"),
        select=("environment",),
        description="Let pipelines and scanners post what they see of an environment.",
    )
)
navigation.register(
    navigation.Place(
        "parity",
        "Parity",
        "plug",
        "environments/parity/",
        119,
        "Release",
        "Parity of environments",
    )
)
