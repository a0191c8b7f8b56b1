"""What every page's frame needs from the server: the theme choice and the answers to refused requests."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import path
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from releasetrain.kernel.refusals import Refusal
from releasetrain.tenancy import faults

from .pages import page, wanted_fragment

THEMES = ("auto", "light", "dark")

TEXTS = {
    400: (
        "That request makes no sense here",
        "The server could not read the request.",
        "Go back and try again from the page.",
    ),
    403: (
        "You may not see or do this",
        "Your roles do not cover it.",
        "An owner of the organization can grant you the role.",
    ),
    404: (
        "There is nothing here",
        "The page does not exist, or it belongs to an organization you are not in.",
        "",
    ),
    409: (
        "Not possible in the present state",
        "Something has changed since you opened the page.",
        "Reload it and look again.",
    ),
    500: (
        "Something broke on our side",
        "The act was not carried out and nothing was changed.",
        "Try again in a moment.",
    ),
    503: (
        "Too much at the same moment",
        "Somebody changed the same thing just now, or the database was away for a moment. Nothing was changed.",
        "Send it once more.",
    ),
}


@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Remember the theme: with the person when signed in, and in a cookie for pages before sign-in."""
    chosen = request.POST.get("theme", "")
    chosen = chosen if chosen in THEMES else "auto"
    if request.user.is_authenticated:
        request.user.theme = "system" if chosen == "auto" else chosen
        request.user.save(update_fields=["theme"])
    back = request.headers.get("Referer", "/")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    response = HttpResponseRedirect(back if safe else "/")
    response.status_code = 303
    response.set_cookie(
        "theme", chosen, max_age=31_536_000, samesite="Lax", secure=request.is_secure(), httponly=True
    )
    return response


def refusal_page(
    request: HttpRequest, status: int, refusals: list[Refusal] | None = None, **texts: str
) -> HttpResponse:
    """A refused request as a page, or bare for a dialog.

    Inside an organization it keeps the frame; after a fault it reads neither session nor database, which may
    be what broke.
    """
    heading, sentence, remedy = TEXTS.get(status, TEXTS[400 if status < 500 else 500])
    organization = getattr(request, "organization", None)
    context: dict[str, Any] = {
        "code": status,
        "heading": texts.get("heading", heading),
        "sentence": texts.get("sentence", sentence),
        "remedy": texts.get("remedy", "" if refusals else remedy),
        "refusals": refusals or [],
        "reference": getattr(request, "request_id", "") if status >= 500 else "",
        "home": f"/o/{organization.slug}/" if organization else "/",
    }
    if wanted_fragment(request):
        return HttpResponse(render_to_string("errors/_refusal.html", context), status=status)
    if organization and status < 500:
        return page(request, "errors/refused.html", context, status)
    return HttpResponse(render_to_string("errors/refusal.html", context), status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return refusal_page(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return refusal_page(request, 403)


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form with a stale or foreign token, e.g. a page left open over a sign-out (CSRF_FAILURE_VIEW)."""
    return refusal_page(
        request,
        403,
        heading="This form is out of date",
        sentence="You signed in or out since the page was opened, or cookies are off. Nothing was changed.",
        remedy="Go back, reload the page and send the form again.",
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return refusal_page(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    return refusal_page(request, 500)


def busy(request: HttpRequest) -> HttpResponse:
    """A fault that passes: the same request may be sent again."""
    response = refusal_page(request, 503)
    response["Retry-After"] = str(faults.RETRY_AFTER)
    return response


urlpatterns = [path("appearance/", set_theme, name="set-theme")]
