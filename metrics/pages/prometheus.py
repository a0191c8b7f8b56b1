"""GET /metrics: the installation's own state, for the Prometheus server of whoever runs it."""

from __future__ import annotations

from hmac import compare_digest

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from metrics.exposing import platform
from metrics.exposing.families import exposition


@require_safe
def installation(request: HttpRequest) -> HttpResponse:
    """Nobody without METRICS_TOKEN: what an installation is busy with is for its operators alone."""
    token = settings.METRICS_TOKEN
    if not token:
        raise Http404("METRICS_TOKEN is not set.")
    given = request.headers.get("Authorization", "")
    if not compare_digest(given.encode(), f"Bearer {token}".encode()):
        refused = HttpResponse(
            "Give METRICS_TOKEN as a bearer token.\n", content_type="text/plain", status=401
        )
        refused["WWW-Authenticate"] = "Bearer"
        return refused
    text, content_type = exposition(platform.families(), request.headers.get("Accept", ""))
    return HttpResponse(text, content_type=content_type)
