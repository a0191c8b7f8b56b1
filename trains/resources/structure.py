"""The faces of structure: couplings between services."""

from __future__ import annotations

from releasetrain.interface import navigation
from releasetrain.interface.resources import Resource, register
from trains.models import Coupling

register(
    Resource(
        Coupling,
        plural="couplings",
        section="trains",
        icon="link",
        columns=("source", "target", "kind", "strength", "origin", "note", "ended_at"),
        filters=("source", "target", "kind"),
        search=("source__name", "target__name", "note"),
        order=("source__name", "target__name", "kind"),
        description="Record how services are tied to each other, or import it.",
    )
)
navigation.register(
    navigation.Place("boundaries", "Boundaries", "link", "boundaries/", 112, "Plan", "Train boundaries")
)
