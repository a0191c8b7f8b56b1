"""Pages of what is exchanged with other systems: all connections with their health, a sender, an event."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
from django.db.models import Count, Max, Q
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from releasetrain.audit.doorway import actions
from releasetrain.exchange.actions.events import address_of
from releasetrain.exchange.intake import reread
from releasetrain.exchange.models import EventSource, InboundEvent, WebhookDelivery, WebhookEndpoint
from releasetrain.exchange.pages.forges import forge_health
from releasetrain.exchange.rules.events import Unreadable, kind_of
from releasetrain.interface.api.parsing import ParseError
from releasetrain.interface.links import url_of_ref, verb_url
from releasetrain.interface.pages import page
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref

_SHOWN = 20
_RECENT = timedelta(days=7)
State = InboundEvent.State


@require_safe
def integrations(request: Any) -> HttpResponse:
    """What sends events here and what is told of acts, with the health of each."""
    since = now() - _RECENT
    sources = EventSource.objects.select_related("service", "environment").annotate(
        recent=Count("events", filter=Q(events__received_at__gte=since)),
        dead=Count("events", filter=Q(events__state=State.DEAD)),
        last=Max("events__received_at"),
    )
    failed = WebhookDelivery.State.FAILED
    endpoints = WebhookEndpoint.objects.annotate(
        recent=Count("deliveries", filter=Q(deliveries__created_at__gte=since)),
        failed=Count("deliveries", filter=Q(deliveries__state=failed)),
        last=Max("deliveries__delivered_at"),
    )
    dead = InboundEvent.objects.filter(state=State.DEAD).select_related("source")
    registry = actions()
    context = {
        "section": "integrations",
        "title": "Integrations",
        "sources": list(sources.order_by("retired_at", "name")),
        "endpoints": list(endpoints.order_by("disabled_at", "name")),
        "forges": forge_health(),
        "dead": list(dead.order_by("-received_at")[:_SHOWN])
        if request.actor.may_somewhere("imports.run")
        else [],
        "reads_events": request.actor.may_somewhere("imports.run"),
        "creators": [
            (registry[verb].decide(request.actor), verb_url(registry[verb]), registry[verb].title)
            for verb in ("event_source.create", "webhook_endpoint.create", "forge_connection.create")
        ],
    }
    return page(request, "exchange/integrations.html", context)


def source_page(request: Any, source: EventSource) -> dict[str, Any]:
    """A sender: its address, how it is proved, what came last."""
    counted = dict(source.events.values_list("state").annotate(Count("id")))
    may = request.actor.may_somewhere("imports.run")
    return {
        "address": address_of(source),
        "proof": kind_of(source.kind).proof,
        "counts": [(label, counted.get(value, 0), value) for value, label in State.choices],
        "recent": list(source.events.order_by("-received_at", "-id")[:_SHOWN]) if may else [],
    }


def event_page(request: Any, event: InboundEvent) -> dict[str, Any]:
    """An event: what it says in its sender's words, what was made of it, and its text as it came."""
    try:
        said = kind_of(event.source.kind).shown(reread(event))
    except (Unreadable, ParseError):
        said = {}
    return {
        "said": [(name.replace("_", " "), _word(value)) for name, value in said.items() if value is not None],
        "made": [
            {**each, "url": url_of_ref(Ref(each["kind"], each["id"], each["label"]))} for each in event.made
        ],
        "pretty": pretty(event.body),
    }


def _word(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def pretty(body: str) -> str:
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return body
