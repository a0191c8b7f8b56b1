"""The search page, and the hits of the command palette."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from releasetrain.interface import search as searching
from releasetrain.interface.pages import page
from releasetrain.interface.resources import resources
from releasetrain.interface.searching.indexing import lag

MANY = 50
# More kinds than these are only named, with how many of each were found.
KINDS = 12


@require_safe
def search(request: Any) -> HttpResponse:
    """What was found, by kind; as JSON for programs that ask for it."""
    text, kind = request.GET.get("q", ""), request.GET.get("kind", "")
    per_kind = MANY if kind else searching.PER_KIND
    found = searching.find(request.actor, text, kind=kind, per_kind=per_kind, groups=KINDS)
    if request.GET.get("format") == "json" or request.headers.get("Accept", "").startswith(
        "application/json"
    ):
        hits = [
            {"kind": resource.kind, "label": hit.label, "href": hit.url, "icon": resource.icon}
            for resource, hits in found
            for hit in hits
        ]
        return JsonResponse({"items": hits})
    waiting, since = lag()
    context = {
        "title": "Search",
        "crumbs": [("Search", "")],
        "text": text,
        "kind": kind,
        "kinds": _kinds(request, found, kind),
        "found": found,
        "groups": found.groups,
        "others": found.others,
        "waiting": waiting,
        "waiting_since": since,
    }
    return page(request, "generic/search.html", context)


def _kinds(request: Any, found: searching.Found, chosen: str) -> list[Any]:
    """The kinds to choose from: those that were found, and those that people search most."""
    by_kind = {r.kind: r for r in resources() if request.actor.may_somewhere(r.requires)}
    offered = [group.resource.kind for group in [*found.groups, *found.others]]
    if chosen or not offered:
        offered = [chosen, *searching.FIRST_KINDS]
    return [by_kind[kind] for kind in dict.fromkeys(offered) if kind in by_kind]
