"""Pages: answer with a whole page, with one region of it (htmx, live regions), or bare, for a dialog."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, HttpResponseRedirect
from django.template.loader import get_template, select_template
from django.utils.cache import patch_vary_headers

from releasetrain.interface import navigation
from releasetrain.interface.links import url_for
from releasetrain.kernel import locales

_FRAGMENT = re.compile(r"[a-z][a-z0-9_-]{0,60}\Z")
_DIALOG = "dialog"
_VARY = ("Cookie", "HX-Request", "HX-Target")


def page(
    request: HttpRequest, template: str, context: Mapping[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    """Render `template`, or the region of it that was asked for.

    ``HX-Target: dialog`` renders the page without its frame. ``HX-Target: results`` or ``?fragment=results``
    renders the partial ``results`` of the template, else the file ``_results.html`` beside it, else the whole
    page. The frame reads ``section`` (marks the rail) and ``crumbs`` (label, address; this page last).
    """
    data = {"section": "", "crumbs": [], **(context or {})}
    if data["section"] and not data["crumbs"]:
        data["crumbs"] = [(navigation.label_of(data["section"]), "")]
    wanted = wanted_fragment(request)
    data["bare"] = wanted == _DIALOG
    if wanted and not data["bare"]:
        folder = template.rpartition("/")[0]
        beside = f"{folder}/_{wanted}.html" if folder else f"_{wanted}.html"
        chosen: Any = select_template([f"{template}#{wanted}", beside, template])
    else:
        chosen = get_template(template)
    response = HttpResponse(chosen.render(data, request), status=status)
    patch_vary_headers(response, _VARY)
    return response


def wanted_fragment(request: HttpRequest) -> str:
    """The region the client asked for, or an empty string for the whole page."""
    asked = request.GET.get("fragment", "")
    if not asked and request.headers.get("HX-Request") == "true" and not request.headers.get("HX-Boosted"):
        asked = request.headers.get("HX-Target", "")
    return asked if _FRAGMENT.match(asked) else ""


def conditional(request: HttpRequest, version: Any, render: Callable[[], HttpResponse]) -> HttpResponse:
    """Answer 304 when the client already has this version, else render.

    `version` is anything whose text changes with the content.
    """
    user = getattr(getattr(request, "user", None), "pk", None)
    seed = (
        f"{version}|{user}|{wanted_fragment(request)}|{request.COOKIES.get('theme', '')}|{locales.current()}"
    )
    tag = f'W/"{hashlib.sha256(seed.encode()).hexdigest()[:32]}"'
    known = {t.strip() for t in request.headers.get("If-None-Match", "").split(",")}
    response: HttpResponse = HttpResponseNotModified() if tag in known else render()
    if response.status_code in (200, 304):
        response["ETag"] = tag
        response["Cache-Control"] = "private, no-cache"
        patch_vary_headers(response, _VARY)
    return response


def redirect_to(target: Any) -> HttpResponse:
    """See other (303): to an address, or to the page of an object."""
    url = target if isinstance(target, str) else url_for(target)
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response
