"""Routes of the API, generated: list and object of every resource, and one address per verb."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt

from releasetrain.audit.doorway import Action
from releasetrain.interface.resources import Resource, loose_actions, resources

from . import documentation
from .bulk import BulkView
from .search import SearchView
from .verbs import VerbView, perform
from .views import DetailView, HistoryView, ListView, NeighboursView


def making() -> list[URLPattern]:
    """Verbs that make an object, ``<plural>/<verb>``: before any address of the form ``<plural>/<id>``."""
    found = []
    for resource in resources():
        for action in resource.creators:
            segment = resource.segment(action)
            if segment != "create":
                found.append(
                    path(f"{resource.plural}/{segment}", _verb(resource, action), name=f"api-{action.verb}")
                )
    return found


def patterns() -> list[URLPattern]:
    """All other generated endpoints below /api/v1/orgs/<org>/."""
    found = [
        path("search", csrf_exempt(SearchView.as_view()), name="api-search"),
        path("bulk", csrf_exempt(BulkView.as_view()), name="api-bulk"),
    ]
    for resource in resources():
        found.extend(_of_resource(resource))
    for action in loose_actions():
        found.append(path(f"do/{action.verb}", _verb(None, action), name=f"api-{action.verb}"))
    return found


def _of_resource(resource: Resource) -> list[URLPattern]:
    plural = resource.plural
    create = next((a for a in resource.creators if resource.segment(a) == "create"), None)
    found = [path(plural, _list(resource, create), name=f"api-{plural}.list")]
    for what, base in (("get", DetailView), ("history", HistoryView), ("neighbours", NeighboursView)):
        address = f"{plural}/<str:ref>" if what == "get" else f"{plural}/<str:ref>/{what}"
        found.append(path(address, _read(base, resource, what), name=f"api-{plural}.{what}"))
    for action in resource.verbs:
        address = f"{plural}/<str:ref>/{resource.segment(action)}"
        found.append(path(address, _verb(resource, action), name=f"api-{action.verb}"))
    return found


def _list(resource: Resource, create: Action | None) -> Any:
    members: dict[str, Any] = {"resource": resource, "__doc__": ListView.__doc__}
    if create is not None:
        action = create

        def post(self: ListView, request: Any, **_: Any) -> Any:
            return perform(self, action)

        members["post"] = documentation.of_verb(action)(post)
        members["verb"] = action
    view = type(f"{resource.model.__name__}ListView", (ListView,), members)
    return csrf_exempt(documentation.of_list(resource)(view).as_view())


def _read(base: Any, resource: Resource, what: str) -> Any:
    view = type(f"{resource.model.__name__}{base.__name__}", (base,), {"resource": resource})
    return csrf_exempt(documentation.of_reading(resource, what)(view).as_view())


def _verb(resource: Resource | None, action: Action) -> Any:
    name = "".join(word.capitalize() for word in action.verb.replace(".", "_").split("_"))
    view = type(f"{name}View", (VerbView,), {"resource": resource, "verb": action})
    return csrf_exempt(documentation.of_verb_view(action)(view).as_view())
