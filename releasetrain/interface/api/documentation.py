"""What the OpenAPI schema says about generated endpoints."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from types import NoneType
from typing import Any

from django.db import models
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
    inline_serializer,
)
from rest_framework import serializers

from releasetrain.audit.doorway import Action
from releasetrain.interface import listing
from releasetrain.interface.parameters import serializer_for
from releasetrain.interface.resources import Resource, resource_of
from releasetrain.kernel.fields import Upload

from .pagination import DEFAULT_LIMIT, MOST
from .representation import AnyField, ObjectReferenceSerializer, list_serializer_of, names_of, serializer_of


class ProblemDetailsErrorSerializer(serializers.Serializer):
    """One thing wrong with the request."""

    pointer = serializers.CharField(help_text="JSON pointer to the parameter, as a fragment.")
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemBlockedBySerializer(serializers.Serializer):
    """The object that stands in the way."""

    kind = serializers.CharField()
    id = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    href = serializers.CharField(allow_null=True)


class ProblemDetailsSerializer(serializers.Serializer):
    """RFC 9457 problem details."""

    type = serializers.URLField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    code = serializers.CharField()
    request_id = serializers.CharField()
    remedy = serializers.CharField(required=False, help_text="What would make it pass.")
    blocked_by = ProblemBlockedBySerializer(required=False)
    errors = ProblemDetailsErrorSerializer(many=True, required=False)  # type: ignore[assignment]


class VerbAnswerSerializer(serializers.Serializer):
    """What a verb answered when that is no object with an address."""

    result = AnyField()


_PROBLEM = "application/problem+json"
_SAID = {
    "400": "Not understood",
    "401": "Signed out",
    "403": "Permission missing",
    "404": "Not here for you",
    "409": "Refused by a rule or the state",
    "412": "Changed since read",
    "413": "Body too large",
    "415": "Unsupported media type",
    "422": "A parameter is not acceptable",
    "429": "Too many requests",
}


def _problems(*statuses: int) -> dict[Any, Any]:
    return {
        (status, _PROBLEM): OpenApiResponse(ProblemDetailsSerializer, _SAID[str(status)])
        for status in statuses
    }


def _annotation(action: Action) -> Any:
    hints = typing.get_type_hints(action.body)
    return hints.get("return")


def _answered(action: Action) -> dict[int, Any]:
    """Statuses and serializers of a verb's answers, read from the return annotation."""
    returned = _annotation(action)
    either = typing.get_args(returned) or (returned,)
    made = [each for each in either if inspect.isclass(each) and issubclass(each, models.Model)]
    model = made[0] if len(made) == 1 and resource_of(made[0]) else None
    told = {(200 if model is action.on else 201): serializer_of(model)} if model is not None else {}
    if model is None or NoneType in either:
        nothing = returned is None or NoneType in either
        itself = nothing and action.on is not None and resource_of(action.on)
        told.setdefault(200, serializer_of(action.on) if itself else VerbAnswerSerializer)
    return told


def _tag(action: Action) -> str:
    resource = resource_of(action.on or action.creates)
    return resource.plural if resource else action.verb.partition(".")[0]


_ORG = OpenApiParameter(
    "org", str, OpenApiParameter.PATH, description="The organization's word in addresses."
)
_REF = OpenApiParameter("ref", str, OpenApiParameter.PATH, description="The object's id or key.")


def of_verb(action: Action) -> Callable[[Any], Any]:
    """Documentation of the method that performs a verb."""
    answers = _answered(action)
    notes = [action.description, f"Permission: `{action.requires}`."]
    if action.confirm:
        notes.append(action.confirm)
    headers = [
        OpenApiParameter(
            "Idempotency-Key", str, OpenApiParameter.HEADER, description="Repeats of this request act once."
        ),
    ]
    if action.on is not None:
        headers.append(
            OpenApiParameter(
                "If-Match", str, OpenApiParameter.HEADER, description="The ETag you read; 412 if it changed."
            )
        )
    media = "multipart/form-data" if any(p.kind is Upload for p in action.parameters) else "application/json"
    request = {media: serializer_for(action)} if action.parameters else None
    return extend_schema(
        operation_id=action.verb,
        summary=action.summary,
        description="\n\n".join(notes),
        tags=[_tag(action)],
        parameters=[_ORG, *([_REF] if action.on is not None and resource_of(action.on) else []), *headers],
        request=request,
        responses={**answers, **_problems(400, 401, 403, 404, 409, 412, 413, 415, 422, 429)},
    )


def of_verb_view(action: Action) -> Callable[[Any], Any]:
    return extend_schema_view(post=of_verb(action))


def of_list(resource: Resource) -> Callable[[Any], Any]:
    """Documentation of a list: paging, order, fields and every filter."""
    parameters = [
        _ORG,
        OpenApiParameter(
            "q",
            str,
            description="Words that must all occur in " + (", ".join(resource.search) or "the key") + ".",
        ),
        OpenApiParameter(
            "limit", int, description=f"Rows per page, 1 to {MOST}; {DEFAULT_LIMIT} unless said."
        ),
        OpenApiParameter("cursor", str, description="From `next` of the page before."),
        OpenApiParameter("sort", str, description="Fields, comma-separated, `-` for descending."),
        OpenApiParameter("fields", str, description="Only these: " + ", ".join(names_of(resource)) + "."),
    ]
    for criterion in listing.criteria(resource):
        parameters.extend(_filter_parameters(criterion))
    return extend_schema_view(
        get=extend_schema(
            operation_id=f"{resource.plural}.list",
            summary=f"List {resource.model._meta.verbose_name_plural}",
            description=resource.description or f"A page of {resource.model._meta.verbose_name_plural}.",
            tags=[resource.plural],
            parameters=parameters,
            responses={200: list_serializer_of(resource.model), **_problems(401, 403, 404, 422, 429)},
        )
    )


def _filter_parameters(criterion: listing.Criterion) -> list[OpenApiParameter]:
    types = {
        "number": OpenApiTypes.DECIMAL,
        "yes": OpenApiTypes.BOOL,
        "day": OpenApiTypes.DATE,
        "id": OpenApiTypes.UUID,
    }
    said = {
        "_from": "at or after",
        "_before": "before",
        "_min": "at least",
        "_max": "at most",
        "_missing": "is there none?",
    }
    choices = None
    if criterion.kind == "choice":
        choices = [str(value) for value, _ in criterion.field.flatchoices]
    elif criterion.own is not None and criterion.own.choices:
        choices = [value for value, _ in criterion.own.choices]
    found = []
    for name in criterion.parameters:
        suffix = name.removeprefix(criterion.name)
        kind = OpenApiTypes.BOOL if suffix == "_missing" else types.get(criterion.kind, OpenApiTypes.STR)
        note = f"{criterion.label}: {said[suffix]}" if suffix else criterion.label
        if criterion.kind == "object" and not suffix:
            note += " (id or key; repeat for several)"
        found.append(OpenApiParameter(name, kind, description=note, enum=choices if not suffix else None))
    return found


class FieldChangeSerializer(serializers.Serializer):
    """A field before and after."""

    field = serializers.CharField()
    old = AnyField()
    new = AnyField()


class HistoryEventSerializer(serializers.Serializer):
    """One moment in an object's life."""

    at = serializers.DateTimeField()
    who = serializers.CharField()
    verb = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)
    request_id = serializers.CharField(allow_blank=True)
    changes = FieldChangeSerializer(many=True)


class HistorySerializer(serializers.Serializer):
    """What happened to an object, newest first."""

    items = HistoryEventSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class NeighbourPanelSerializer(serializers.Serializer):
    """Neighbours of one kind."""

    relation = serializers.CharField()
    title = serializers.CharField()
    count = serializers.IntegerField()
    items = ObjectReferenceSerializer(many=True)


class NeighboursSerializer(serializers.Serializer):
    """What an object is connected with."""

    items = NeighbourPanelSerializer(many=True)


def of_reading(resource: Resource, what: str) -> Callable[[Any], Any]:
    """Documentation of one object, its history, or its neighbours."""
    noun = resource.label
    said: dict[str, tuple[str, Any]] = {
        "get": (f"Read one {noun}", serializer_of(resource.model)),
        "history": (f"History of one {noun}", HistorySerializer),
        "neighbours": (f"What one {noun} is connected with", NeighboursSerializer),
    }
    summary, serializer = said[what]
    parameters = [_ORG, _REF]
    if what == "get":
        parameters += [
            OpenApiParameter("fields", str, description="Only these: " + ", ".join(names_of(resource)) + "."),
            OpenApiParameter(
                "include",
                str,
                enum=["allowed"],
                description="`allowed`: every verb with the decision for you now.",
            ),
            OpenApiParameter(
                "If-None-Match", str, OpenApiParameter.HEADER, description="304 when nothing changed."
            ),
        ]
    return extend_schema_view(
        get=extend_schema(
            operation_id=f"{resource.plural}.{what}",
            summary=summary,
            description=(inspect.getdoc(resource.model) or "") if what == "get" else summary + ".",
            tags=[resource.plural],
            parameters=parameters,
            responses={200: serializer, **_problems(401, 403, 404, 422, 429)},
        )
    )


__all__ = [
    "ProblemDetailsSerializer",
    "inline_serializer",
    "of_list",
    "of_reading",
    "of_verb",
    "of_verb_view",
]
