"""Routes of the generated pages below /o/<org>/."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, include, path
from django.views.decorators.http import require_http_methods, require_safe

from releasetrain.audit.doorway import Action
from releasetrain.interface.resources import Resource, loose_actions, resources

from . import lists, objects, verbs
from .search import search


def making() -> list[URLResolver]:
    """Forms that make an object: before any address of the form ``<plural>/<id>/``, whoever brings it."""
    found = []
    for resource in resources():
        creators = [action for action in resource.creators if not action.hidden]
        if creators:
            found.append(_under(resource, [_making(resource, action) for action in creators]))
    return found


def patterns() -> list[URLPattern | URLResolver]:
    """All other generated pages."""
    return [
        path("search/", search, name="search"),
        *(_under(resource, _of_resource(resource)) for resource in resources()),
        *(
            path(f"do/{action.verb}", _verb(action, None), name=f"page-{action.verb}")
            for action in loose_actions()
            if not action.hidden
        ),
    ]


def _under(resource: Resource, found: list[URLPattern]) -> URLResolver:
    """Pages of one kind below its own prefix: the other kinds' addresses need not be tried one by one."""
    below: URLResolver = path(f"{resource.plural}/", include(found))
    return below


def _making(resource: Resource, action: Action) -> URLPattern:
    segment = resource.segment(action)
    address = "new" if segment == "create" else f"do/{segment}"
    return path(address, _verb(action, resource), name=f"page-{action.verb}")


def _of_resource(resource: Resource) -> list[URLPattern]:
    plural = resource.plural
    found = [
        path("", _reading(lists.show, resource), name=f"page-{plural}.list"),
        path("export.csv", _reading(lists.export, resource), name=f"page-{plural}.csv"),
        path("<str:ref>/", _reading(objects.show, resource), name=f"page-{plural}.get"),
        path("<str:ref>/history", _reading(objects.show_history, resource), name=f"page-{plural}.history"),
    ]
    for action in resource.verbs:
        if not action.hidden:
            address = f"<str:ref>/do/{resource.segment(action)}"
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
