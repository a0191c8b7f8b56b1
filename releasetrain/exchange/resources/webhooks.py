"""The faces of webhooks out: endpoints with their log, and every message."""

from __future__ import annotations

from releasetrain.exchange.models import WebhookDelivery, WebhookEndpoint
from releasetrain.exchange.pages.webhooks import delivery_page, endpoint_page
from releasetrain.interface.resources import Resource, register

register(
    Resource(
        WebhookEndpoint,
        plural="webhook-endpoints",
        section="integrations",
        icon="out",
        columns=("name", "host", "form", "verbs", "failing_since", "disabled_at"),
        filters=("form",),
        search=("name",),
        order=("name",),
        # The address of a chat's webhook is a secret.
        hidden=("sealed_secret", "sealed_previous", "url"),
        template="exchange/webhook_endpoint.html",
        context=endpoint_page,
        description="Systems that are told of acts.",
    )
)
register(
    Resource(
        WebhookDelivery,
        plural="webhook-deliveries",
        section="integrations",
        icon="out",
        columns=("verb", "label", "endpoint", "state", "attempts", "created_at", "delivered_at"),
        filters=("endpoint", "state"),
        search=("verb", "label"),
        order=("-created_at", "-id"),
        hidden=("lease", "claimed_until"),
        requires="tokens.manage",
        template="exchange/webhook_delivery.html",
        context=delivery_page,
        description="Every message that was sent or waits, with the log of its attempts.",
    )
)
