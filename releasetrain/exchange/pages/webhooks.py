"""Pages of webhooks out: an endpoint with its log, a message with its attempts."""

from __future__ import annotations

from typing import Any

from django.utils.dateparse import parse_datetime

from releasetrain.exchange.models import WebhookDelivery, WebhookEndpoint

from .events import pretty

_SHOWN = 30


def endpoint_page(request: Any, endpoint: WebhookEndpoint) -> dict[str, Any]:
    """The last messages, for those who may read them."""
    if not request.actor.may_somewhere("tokens.manage"):
        return {"recent": [], "hidden_log": True}
    return {"recent": list(endpoint.deliveries.order_by("-created_at", "-id")[:_SHOWN])}


def delivery_page(request: Any, delivery: WebhookDelivery) -> dict[str, Any]:
    """Every attempt, newest first, and the message itself."""
    attempts = [{**each, "at": parse_datetime(str(each["at"]))} for each in reversed(delivery.log)]
    return {"attempts_made": attempts, "pretty": pretty(delivery.body)}
