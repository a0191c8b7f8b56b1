"""Where other systems send events to: outside of any session, proved by each sender's own signature over the raw body."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods
from rest_framework.exceptions import ParseError

from releasetrain.exchange import intake
from releasetrain.exchange.models import EventSource
from releasetrain.exchange.rules.events import Unreadable
from releasetrain.interface import suspended
from releasetrain.interface.api import problems
from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope


@csrf_exempt
@require_http_methods(["POST", "OPTIONS"])
def receive(request: Any, org: str, source: uuid.UUID) -> HttpResponse:
    """Keep what a sender sends; what comes of it is found later, on the event's page."""
    if request.method == "OPTIONS":
        return _handshake(request)
    raw = request.read(intake.LARGEST + 1)
    if len(raw) > intake.LARGEST:
        return problems.respond(request, 413, "body.too_large", f"At most {intake.LARGEST} bytes at once.")
    headers = {name.lower(): value for name, value in request.headers.items()}
    organization = Organization.objects.filter(slug=org).first()
    if organization is None:
        return _unproved(request)
    if organization.suspended_at:
        return suspended.problem(request, organization)
    with tenant_scope(organization.pk, Actor.system(organization.pk, "events", route="webhook")):
        sender = EventSource.objects.filter(pk=source, retired_at__isnull=True).first()
        if sender is None or not intake.verified(sender, headers, raw):
            return _unproved(request)
        try:
            taken = intake.take(sender, headers, raw)
        except Unreadable as error:
            return problems.respond(request, 422, "event.unreadable", str(error))
        except ParseError as error:
            return problems.respond(request, 400, "json.invalid", str(error))
    return JsonResponse({"events": taken.events, "new": taken.new}, status=202)


def _unproved(request: Any) -> HttpResponse:
    """The same for an unknown address and a wrong signature: it says nothing about which senders there are."""
    return problems.respond(
        request,
        401,
        "event.unproved",
        "No sender of this address has this signature.",
        remedy="Check the secret, and that the signature is over the body as it is sent.",
    )


def _handshake(request: Any) -> HttpResponse:
    """The abuse protection of CloudEvents: a sender asks first whether it may send here."""
    answer = HttpResponse(status=200 if request.headers.get("WebHook-Request-Origin") else 204)
    answer["Allow"] = "POST, OPTIONS"
    if request.headers.get("WebHook-Request-Origin"):
        answer["WebHook-Allowed-Origin"] = request.headers["WebHook-Request-Origin"][:200]
        answer["WebHook-Allowed-Rate"] = "*"
    return answer
