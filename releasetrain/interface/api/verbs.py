"""The writing endpoints: one small view per verb, all of them POST, all of them calling their action."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.http import Http404
from rest_framework.response import Response
from rest_framework.serializers import ValidationError

from releasetrain.audit.doorway import Action, Parameter
from releasetrain.interface import links, step_up
from releasetrain.interface.parameters import validated
from releasetrain.interface.resources import Resource, resource_of
from releasetrain.kernel.fields import Upload
from releasetrain.tenancy.models import Organization

from . import etags, idempotency
from .representation import loose, represent
from .views import ResourceView


class VerbView(ResourceView):
    """POST: perform the verb."""

    verb: Action
    resource: Resource | None  # type: ignore[assignment]

    def post(self, request: Any, ref: str = "", **_: Any) -> Response:
        return perform(self, self.verb, ref)


def perform(view: ResourceView, action: Action, ref: str = "") -> Response:
    """Answer a POST with the act: found, unchanged since read, validated, done once."""
    request = view.request
    step_up.require(request._request, action)
    data = parameters_of(request, action)
    return idempotency.once(request, lambda: _act(view, action, ref, data), frozenset(action.quiet))


def _act(view: ResourceView, action: Action, ref: str, data: dict[str, Any]) -> Response:
    request = view.request
    subject = None
    if action.on is Organization:
        subject = request._request.organization  # type: ignore[attr-defined]
    elif action.on is not None:
        subject = view.find(ref)
        precondition = request.headers.get("If-Match", "")
        if precondition:
            etags.require_match(precondition, _locked(subject))
    params = validated(action, data, view.actor, subject)
    result = (
        action.alone(view.actor, subject, **params)
        if action.on is not None
        else action.alone(view.actor, **params)
    )
    return answer(action, result, subject)


def _locked(subject: Any) -> Any:
    """The row as it is now, held until the act is done."""
    found = type(subject)._default_manager.select_for_update(of=("self",)).filter(pk=subject.pk).first()
    if found is None:
        raise Http404
    return found


def answer(action: Action, result: Any, subject: Any) -> Response:
    """The result if it is an object with an address, else the subject, else what came back, as `result`."""
    shown = result if isinstance(result, models.Model) and resource_of(result) else None
    if shown is None and result is None and subject is not None and resource_of(subject):
        subject.refresh_from_db()
        shown = subject
    if shown is None:
        return Response({"result": loose(result)}, status=200)
    resource = resource_of(shown)
    assert resource is not None
    written = represent(resource, shown)
    headers = {"ETag": etags.tag_of(shown, written)}
    created = (
        isinstance(result, models.Model)
        and (result is not subject)
        and (subject is None or result.pk != subject.pk)
    )
    if created:
        headers["Location"] = links.api_url_for(shown)
    return Response(written, status=201 if created else 200, headers=headers)


def parameters_of(request: Any, action: Action) -> dict[str, Any]:
    """The parameters in the body: a JSON object, or the parts of a multipart form."""
    data = request.data
    if hasattr(data, "getlist"):
        known = {p.name: p for p in action.parameters}
        return {name: _part(data.getlist(name), known.get(name)) for name in data}
    if not isinstance(data, dict):
        raise ValidationError(
            {"non_field_errors": ["The body must be a JSON object."]}, code="body.not_object"
        )
    return data


def _part(values: list[Any], parameter: Parameter | None) -> Any:
    if parameter is not None and parameter.many and parameter.kind is not Upload and len(values) == 1:
        return [v.strip() for v in values[0].split(",")] if isinstance(values[0], str) else values
    return values if parameter is not None and parameter.many else values[-1]
