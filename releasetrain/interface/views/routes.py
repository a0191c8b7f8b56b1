"""Routes of the generated pages below /o/<org>/."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.views.decorators.http import require_http_methods, require_safe

from releasetrain.audit.doorway import Action
from releasetrain.interface.resources import Resource, loose_actions, resources

from . import lists, objects, verbs
from .search import search


def making() -> list[URLPattern]:
    """Forms that make an object: before any address of the form ``<plural>/<id>/``, whoever brings it."""
    found = []
    for resource in resources():
        for action in resource.creators:
            if not action.hidden:
                segment = resource.segment(action)
                address = "new" if segment == "create" else f"do/{segment}"
                found.append(
                    path(f"{resource.plural}/{address}", _verb(action, resource), name=f"page-{action.verb}")
                )
    return found


def patterns() -> list[URLPattern]:
    """All other generated pages."""
    found = [path("search/", search, name="search")]
    for resource in resources():
        found.extend(_of_resource(resource))
    found.extend(
        path(f"do/{action.verb}", _verb(action, None), name=f"page-{action.verb}")
        for action in loose_actions()
        if not action.hidden
    )
    return found


def _of_resource(resource: Resource) -> list[URLPattern]:
    plural = resource.plural
    found = [
        path(f"{plural}/", _reading(lists.show, resource), name=f"page-{plural}.list"),
        path(f"{plural}/export.csv", _reading(lists.export, resource), name=f"page-{plural}.csv"),
    ]
    found.append(path(f"{plural}/<str:ref>/", _reading(objects.show, resource), name=f"page-{plural}.get"))
    found.append(
        path(
            f"{plural}/<str:ref>/history",
            _reading(objects.show_history, resource),
            name=f"page-{plural}.history",
        )
    )
    for action in resource.verbs:
        if not action.hidden:
            address = f"{plural}/<str:ref>/do/{resource.segment(action)}"
            found.append(path(address, _verb(action, resource), name=f"page-{action.verb}"))
    return found


def _reading(view: Callable[..., HttpResponseBase], resource: Resource) -> Any:
    @require_safe
    def show(request: Any, **kwargs: Any) -> HttpResponseBase:
        return view(request, resource, **kwargs)

    return show


def _verb(action: Action, resource: Resource | None) -> Any:
    @require_http_methods(["GET", "HEAD", "POST"])
    def show(request: Any, ref: str = "") -> HttpResponse:
        return verbs.show(request, action, resource, ref)

    return show
