"""Routes of the API, generated: list and object of every resource, and one address per verb."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, URLResolver, include, path
from django.views.decorators.csrf import csrf_exempt

from releasetrain.audit.doorway import Action
from releasetrain.interface.resources import Resource, loose_actions, resources

from . import documentation
from .bulk import BulkView
from .search import SearchView
from .verbs import VerbView, perform
from .views import DetailView, HistoryView, ListView, NeighboursView


def making() -> list[URLResolver]:
    """Verbs that make an object, ``<plural>/<verb>``: before any address of the form ``<plural>/<id>``."""
    found = []
    for resource in resources():
        creators = [(resource.segment(action), action) for action in resource.creators]
        own = [_at(segment, resource, action) for segment, action in creators if segment != "create"]
        if own:
            found.append(path(f"{resource.plural}/", include(own)))
    return found


def patterns() -> list[URLPattern | URLResolver]:
    """All other generated endpoints below /api/v1/orgs/<org>/."""
    found = [
        path("search", csrf_exempt(SearchView.as_view()), name="api-search"),
        path("bulk", csrf_exempt(BulkView.as_view()), name="api-bulk"),
    ]
    for resource in resources():
        create = next((a for a in resource.creators if resource.segment(a) == "create"), None)
        found.append(path(resource.plural, _list(resource, create), name=f"api-{resource.plural}.list"))
        # Below its own prefix: the other kinds' addresses need not be tried one by one.
        found.append(path(f"{resource.plural}/", include(_of_one(resource))))
    for action in loose_actions():
        found.append(path(f"do/{action.verb}", _verb(None, action), name=f"api-{action.verb}"))
    return found


def _of_one(resource: Resource) -> list[URLPattern]:
    found = []
    for what, base in (("get", DetailView), ("history", HistoryView), ("neighbours", NeighboursView)):
        address = "<str:ref>" if what == "get" else f"<str:ref>/{what}"
        found.append(path(address, _read(base, resource, what), name=f"api-{resource.plural}.{what}"))
    found += [_at(f"<str:ref>/{resource.segment(action)}", resource, action) for action in resource.verbs]
    return found


def _at(address: str, resource: Resource, action: Action) -> URLPattern:
    return path(address, _verb(resource, action), name=f"api-{action.verb}")


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
