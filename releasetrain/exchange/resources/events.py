"""The faces of events in: senders, and what they sent with what came of it."""

from __future__ import annotations

from releasetrain.exchange.models import EventSource, InboundEvent
from releasetrain.exchange.pages.events import event_page, source_page
from releasetrain.interface import navigation
from releasetrain.interface.resources import Resource, register

register(
    Resource(
        EventSource,
        plural="event-sources",
        section="integrations",
        icon="plug",
        columns=("name", "kind", "service", "retired_at", "created_at"),
        filters=("kind",),
        search=("name",),
        order=("name",),
        facts=(
            "name",
            "kind",
            "service",
            "environment",
            "services",
            "environments",
            "previous_until",
            "retired_at",
        ),
        hidden=("sealed_secret", "sealed_previous"),
        template="exchange/event_source.html",
        context=source_page,
        description="Systems that send events here.",
    )
)
register(
    Resource(
        InboundEvent,
        plural="inbound-events",
        section="integrations",
        icon="in",
        columns=("type", "source", "origin", "state", "outcome", "received_at"),
        filters=("source", "state"),
        search=("type", "origin", "event_id", "outcome"),
        # Each is acted upon within moments, which notes what came of it.
        search_waits=True,
        order=("-received_at", "-id"),
        facts=(
            "source",
            "type",
            "origin",
            "event_id",
            "occurred_at",
            "received_at",
            "attempts",
            "replays",
            "acted_at",
        ),
        hidden=("due_at",),
        requires="imports.run",
        template="exchange/inbound_event.html",
        context=event_page,
        description="Every event as it came, with what was made of it.",
    )
)
navigation.register(
    navigation.Place(
        "integrations",
        "Integrations",
        "plug",
        "integrations/",
        140,
        "Organization",
        "Events in and webhooks out",
    )
)
