"""The search page, and the hits of the command palette."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from releasetrain.interface import search as searching
from releasetrain.interface.pages import page


@require_safe
def search(request: Any) -> HttpResponse:
    """What was found, by kind; as JSON for programs that ask for it."""
    text = request.GET.get("q", "")
    groups = searching.find(request.actor, text)
    if request.GET.get("format") == "json" or request.headers.get("Accept", "").startswith(
        "application/json"
    ):
        hits = [
            {"kind": resource.kind, "label": hit.label, "href": hit.url, "icon": resource.icon}
            for resource, found in groups
            for hit in found
        ]
        return JsonResponse({"items": hits})
    context = {"title": "Search", "crumbs": [("Search", "")], "text": text, "groups": groups}
    return page(request, "generic/search.html", context)
