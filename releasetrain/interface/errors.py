"""Error handlers of both faces: problems for the API, the frame's refusal pages for people."""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse

from releasetrain.tenancy import faults

from . import frame
from .api import problems


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def _problem(request: HttpRequest, status: int, code: str) -> HttpResponse:
    return problems.respond(request, status, code, problems.PLATFORM_CODES[code])


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return (
        _problem(request, 400, "bad_request") if _is_api(request) else frame.bad_request(request, exception)
    )


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return (
        _problem(request, 403, "permission_denied")
        if _is_api(request)
        else frame.forbidden(request, exception)
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _problem(request, 404, "not_found") if _is_api(request) else frame.not_found(request, exception)


def failed(request: HttpRequest) -> HttpResponse:
    """Called while the error is being handled: what passes by itself is 503, everything else a fault of ours."""
    error = sys.exception()
    if isinstance(error, Exception) and faults.passes(error):
        return problems.respond_to(request, error) if _is_api(request) else frame.busy(request)
    return _problem(request, 500, "internal") if _is_api(request) else frame.server_error(request)
