"""The page of an object: its facts, neighbours, verbs and history."""

from __future__ import annotations

import functools
from typing import Any

from django.http import Http404, HttpResponse
from django.utils.translation import gettext

from releasetrain.interface import history, links, neighbours, values
from releasetrain.interface.pages import page
from releasetrain.interface.resources import Resource
from releasetrain.interface.viewing import viewed
from releasetrain.interface.wording import said
from releasetrain.kernel.refusals import Decision

from .lists import refuse_without_permission


def find(request: Any, resource: Resource, ref: str) -> Any:
    """The object of an address, or 404: absent and forbidden look the same."""
    refuse_without_permission(request, resource)
    found = resource.find(request.actor, ref)
    if found is None:
        raise Http404(f"There is no such {resource.label}.")
    return found


def verbs_of(request: Any, resource: Resource, obj: Any) -> list[dict[str, Any]]:
    """The verbs of an object as buttons: those allowed first, one of them the main one."""
    found: list[dict[str, Any]] = [
        {
            "action": action,
            "title": resource.title_of(action),
            "decision": action.decide(request.actor, obj),
            "url": links.verb_url(action, obj),
        }
        for action in resource.verbs
        if not action.hidden
    ]
    # Allowed ones first, dangerous ones after the others; without the permission altogether last.
    found.sort(
        key=lambda v: (not v["decision"].allowed, _lacks_permission(v["decision"]), v["action"].danger)
    )
    main = next(
        (
            v
            for v in found
            if v["decision"].allowed and v["action"].machine is not None and not v["action"].danger
        ),
        None,
    )
    for verb in found:
        verb["css"] = "primary" if verb is main else "danger" if verb["action"].danger else ""
    return found


def _lacks_permission(decision: Decision) -> bool:
    return any(refusal.code == "permission.missing" for refusal in decision.refusals)


def context_of(request: Any, resource: Resource, obj: Any) -> dict[str, Any]:
    """What every page of an object may use. What costs queries is a function, asked by templates that show it."""
    name = str(obj)
    return {
        "title": name,
        "section": resource.section or resource.plural,
        "crumbs": [(said(resource.title), links.list_url(resource)), (name, "")],
        "resource": resource,
        "object": obj,
        "key": getattr(obj, resource.lookup, "") if resource.lookup else "",
        "state": values.value_of(obj, "state") if resource.has("state") else None,
        "headline": next(
            (str(getattr(obj, n)) for n in ("title", "name", "summary", "label") if getattr(obj, n, "")), name
        ),
        "facts": functools.lru_cache(maxsize=1)(lambda: values.facts_of(resource, obj)),
        "neighbours": functools.lru_cache(maxsize=1)(lambda: neighbours.of(request.actor, resource, obj)),
        "verbs": functools.lru_cache(maxsize=1)(lambda: verbs_of(request, resource, obj)),
        "history": functools.lru_cache(maxsize=1)(lambda: history.of(obj)),
        "history_url": f"{links.url_for(obj)}history",
        "object_url": links.url_for(obj),
        "api_url": links.api_url_for(obj),
    }


def show(request: Any, resource: Resource, ref: str) -> HttpResponse:
    """The page of an object."""
    obj = find(request, resource, ref)
    viewed(request.actor, obj)
    context = context_of(request, resource, obj)
    if resource.context:
        context |= resource.context(request, obj)
    return page(request, resource.template or "generic/detail.html", context)


def show_history(request: Any, resource: Resource, ref: str) -> HttpResponse:
    """What happened to an object."""
    obj = find(request, resource, ref)
    viewed(request.actor, obj)
    context = context_of(request, resource, obj)
    context["crumbs"] = [*context["crumbs"][:-1], (str(obj), links.url_for(obj)), (gettext("History"), "")]
    return page(request, "generic/history.html", context)
