"""The base of every endpoint of an organization, and the reading endpoints generated for each resource."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404
from rest_framework.response import Response
from rest_framework.views import APIView

from releasetrain.interface import history, listing, neighbours
from releasetrain.interface.resources import Resource
from releasetrain.interface.viewing import viewed
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.refusals import Refusal, Refused

from . import etags, pagination
from .authentication import EnteredActor
from .problems import CONTENT_TYPE
from .rendering import AlwaysJSON
from .representation import decisions, reference, represent, wanted_names


class OrganizationView(APIView):
    """An endpoint below /api/v1/orgs/<org>/: inside the tenant scope, with `self.actor`."""

    authentication_classes = [EnteredActor]
    content_negotiation_class = AlwaysJSON

    @property
    def actor(self) -> Actor:
        return self.request._request.actor  # type: ignore[attr-defined,no-any-return]

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        final = super().finalize_response(request, response, *args, **kwargs)
        if getattr(response, "data", None) is not None and response.status_code >= 400:
            final["Content-Type"] = CONTENT_TYPE
        return final


class ResourceView(OrganizationView):
    """An endpoint of one resource."""

    resource: Resource

    def require_reading(self) -> None:
        """Refuse (403) a member who lacks the permission to read this kind of object."""
        if not self.actor.may_somewhere(self.resource.requires):
            raise Refused(
                Refusal(
                    "permission.missing",
                    f"You need the permission {self.resource.requires} to read {self.resource.nouns}.",
                    remedy="An organization owner can grant you a role that carries it.",
                    status=403,
                )
            )

    def find(self, ref: str) -> Any:
        self.require_reading()
        found = self.resource.find(self.actor, ref)
        if found is None:
            raise Http404
        return found

    def query(self, *known: str) -> dict[str, list[str]]:
        """The query parameters; Refused (422) for one that this endpoint does not know."""
        given = {name: self.request.query_params.getlist(name) for name in self.request.query_params}
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise Refused(
                *[
                    Refusal(
                        "filter.unknown", f"There is no parameter {n[:60]} here.", field=n[:60], status=422
                    )
                    for n in unknown
                ]
            )
        return given


class ListView(ResourceView):
    """GET: a page of the list."""

    def get(self, request: Any, **_: Any) -> Response:
        self.require_reading()
        criteria = listing.criteria(self.resource)
        names = [name for criterion in criteria for name in criterion.parameters]
        query = self.query("limit", "cursor", "sort", "fields", "q", *names)
        last = {name: values[-1] for name, values in query.items()}
        limit = pagination.limit_of(last.get("limit", ""))
        fields = wanted_names(self.resource, last.get("fields", ""))
        keys = listing.sort_keys(self.resource, last.get("sort", ""))
        rows = listing.filtered(self.resource, self.resource.loaded(self.actor), query, self.actor)
        if last.get("cursor"):
            rows = pagination.after(rows, self.resource, keys, last["cursor"])
        found = list(listing.ordered(rows, keys)[: limit + 1])
        page = found[:limit]
        return Response(
            {
                "items": [represent(self.resource, row, fields) for row in page],
                "next": self._next(pagination.cursor_after(page[-1], keys)) if len(found) > limit else None,
            }
        )

    def _next(self, cursor: str) -> str:
        kept = [
            (name, value)
            for name, values in self.request.query_params.lists()
            if name != "cursor"
            for value in values
        ]
        return self.request.build_absolute_uri(
            f"{self.request.path}?{urlencode([*kept, ('cursor', cursor)])}"
        )


class DetailView(ResourceView):
    """GET: one object, with its ETag."""

    def get(self, request: Any, ref: str, **_: Any) -> Response:
        query = self.query("fields", "include")
        obj = self.find(ref)
        viewed(self.actor, obj)
        written = represent(
            self.resource, obj, wanted_names(self.resource, (query.get("fields") or [""])[-1])
        )
        include = (query.get("include") or [""])[-1]
        if include not in ("", "allowed"):
            raise Refused(Refusal("filter.invalid", "include is: allowed.", field="include", status=422))
        if include:
            written["allowed"] = decisions(self.actor, obj)
        tag = etags.tag_of(obj, written)
        if etags.matches(request.headers.get("If-None-Match", ""), tag):
            return Response(status=304, headers={"ETag": tag})
        return Response(written, headers={"ETag": tag})


class HistoryView(ResourceView):
    """GET: what happened to the object: who, when, which fields."""

    def get(self, request: Any, ref: str, **_: Any) -> Response:
        self.query()
        events = history.of(self.find(ref))
        return Response({"items": [event.plain() for event in events], "next": None})


class NeighboursView(ResourceView):
    """GET: what the object is connected with, in both directions."""

    def get(self, request: Any, ref: str, **_: Any) -> Response:
        self.query()
        panels = neighbours.of(self.actor, self.resource, self.find(ref))
        return Response(
            {
                "items": [
                    {
                        "relation": p.relation,
                        "title": p.title,
                        "count": p.count,
                        "items": [reference(row) for row in p.rows],
                    }
                    for p in panels
                ]
            }
        )
