"""Parameters of actions as validated fields: one definition for form and API, hence the same errors."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import connection, models
from django.db.models import Q, QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ParseError

from releasetrain.audit.doorway import Action, Parameter
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.canonical import NotCanonical, canonical
from releasetrain.kernel.fields import Upload

from . import uploads
from .api.parsing import parse
from .resources import resource_of

SHORT_TEXT, LONG_TEXT = 2_000, 100_000
MOST_ITEMS = 5_000
# The largest whole number that JSON readers agree on (RFC 8785).
LARGEST = 2**53 - 1
FIRST_YEAR, LAST_YEAR = 1900, 2200
_Day = TypeVar("_Day", bound=date)


class DayField(serializers.DateField):
    """A calendar day within the years that plans and records can mean."""

    def to_internal_value(self, value: Any) -> date:
        day: date = super().to_internal_value(value)
        return _within_years(day)


class InstantField(serializers.DateTimeField):
    """A moment: RFC 3339 with its offset in the API, local time of the viewer's zone in forms."""

    def to_internal_value(self, value: Any) -> datetime:
        if isinstance(value, str) and not self.context.get("local_times") and not _names_offset(value):
            raise serializers.ValidationError(
                "Give the time with its offset, e.g. 2026-11-21T10:00:00Z.", code="offset_missing"
            )
        moment: datetime = super().to_internal_value(value)
        return _within_years(moment)


class WholeNumberField(serializers.IntegerField):
    """An integer; true and false are none, although Python would say so."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class NumberField(serializers.FloatField):
    """A finite number."""

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool):
            self.fail("invalid")
        number: float = super().to_internal_value(data)
        if not math.isfinite(number):
            raise serializers.ValidationError("Give a finite number.", code="invalid")
        return number


class JSONValueField(serializers.Field):
    """A JSON value of one shape; forms send it as text."""

    shape: type = dict
    wanted = "an object"

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str):
            data = _parsed(data)
        if not isinstance(data, self.shape):
            raise serializers.ValidationError(f"This must be JSON, {self.wanted}.", code="invalid")
        try:
            canonical(data)
        except NotCanonical as error:
            raise serializers.ValidationError(str(error), code="invalid") from error
        return data

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"type": "object", "additionalProperties": {}})
class JSONObjectField(JSONValueField):
    """A JSON object."""


@extend_schema_field({"type": "array", "items": {}})
class JSONListField(JSONValueField):
    """A JSON list."""

    shape = list
    wanted = "a list"


@extend_schema_field(OpenApiTypes.BINARY)
class UploadField(serializers.Field):
    """An uploaded file, read within its limit: a part of a multipart form, or in JSON {"name": …, "base64": …}."""

    def __init__(self, limit: int | None = None, **options: Any):
        self.limit = limit
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> Upload:
        if isinstance(data, Upload):
            return data
        if isinstance(data, dict):
            return self._from_json(data)
        if not hasattr(data, "read"):
            raise serializers.ValidationError("Send the file as multipart/form-data.", code="invalid")
        try:
            return uploads.read(data, self.limit)
        except uploads.TooLarge as error:
            raise serializers.ValidationError(str(error), code="too_large") from error

    def _from_json(self, data: dict[str, Any]) -> Upload:
        encoded, name = data.get("base64"), data.get("name", "file")
        if set(data) - {"base64", "name"} or not isinstance(encoded, str) or not isinstance(name, str):
            raise serializers.ValidationError('Send the file as {"name": …, "base64": …}.', code="invalid")
        limit = self.limit or uploads.DEFAULT_LIMIT
        if len(encoded) > limit * 4 // 3 + 4:
            raise serializers.ValidationError(str(uploads.TooLarge(limit)), code="too_large")
        try:
            content = base64.b64decode(encoded, validate=True)
        except ValueError as error:
            raise serializers.ValidationError("The file is not in base64.", code="invalid") from error
        return Upload(name=uploads.safe_name(name), content=content)

    def to_representation(self, value: Any) -> Any:
        return value.name


@extend_schema_field({"type": "string", "description": "The object's id or key.", "examples": ["CHG-142"]})
class ObjectField(serializers.Field):
    """An object of the organization, by id or key; only rows that the actor may choose are found."""

    default_error_messages = {
        "absent": "There is no such {noun}.",
        "invalid": "Name the {noun} by its id or key.",
    }

    def __init__(self, parameter: Parameter, **options: Any):
        self.parameter = parameter
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> Any:
        noun = str(self.parameter.kind._meta.verbose_name)
        if isinstance(data, self.parameter.kind):
            return data
        if isinstance(data, dict):
            data = data.get("id") or data.get("key")
        if isinstance(data, bool) or not isinstance(data, str | int | UUID) or str(data) == "":
            self.fail("invalid", noun=noun)
        condition = condition_for(self.parameter.kind, str(data))
        rows = rows_for(self.parameter, self.context["actor"], self.context.get("subject"))
        found = rows.filter(condition).first() if condition is not None else None
        if found is None:
            self.fail("absent", noun=noun)
        return found

    def to_representation(self, value: Any) -> Any:
        return str(value.pk)


def rows_for(parameter: Parameter, actor: Actor, subject: Any) -> QuerySet:
    """The objects an actor may choose for this parameter."""
    if parameter.field.rows is not None:
        rows = parameter.field.rows(actor, subject)
        return (
            rows
            if isinstance(rows, QuerySet)
            else parameter.kind._default_manager.filter(pk__in=[r.pk for r in rows])
        )
    if parameter.kind is get_user_model():
        return people_of(actor)
    resource = resource_of(parameter.kind)
    if resource is not None:
        return resource.loaded(actor).order_by(*resource.order)
    return parameter.kind._default_manager.all()  # type: ignore[no-any-return]


def people_of(actor: Actor) -> QuerySet:
    """The people of the actor's organization."""
    return (
        get_user_model()
        .objects.filter(
            memberships__organization_id=actor.organization_id,
            memberships__suspended_at__isnull=True,
            is_active=True,
        )
        .order_by("name", "email")
    )


def condition_for(model: Any, text: str) -> Q | None:
    """The condition that finds a row by id, key or (for people) e-mail address."""
    resource = resource_of(model)
    if resource is not None:
        return resource.condition(text)
    by_name: Q | None = None
    for name in ("key", "slug", "email"):
        if any(f.name == name for f in model._meta.concrete_fields) and "\0" not in text:
            by_name = Q(**{f"{name}__iexact" if name == "email" else name: text})
            break
    try:
        by_id = Q(pk=model._meta.pk.to_python(text))
    except (DjangoValidationError, ValueError, TypeError, OverflowError):
        return by_name
    return by_id if by_name is None else by_id | by_name


def choices_of(parameter: Parameter) -> list[tuple[str, str]] | None:
    """The values of a parameter that takes one of a list, or None."""
    if isinstance(parameter.kind, type) and issubclass(parameter.kind, models.Choices):
        return [(str(value), str(label)) for value, label in parameter.kind.choices]
    given = parameter.field.choices
    if given is None:
        return None
    pairs = given() if callable(given) else given
    return [(str(p[0]), str(p[1])) if isinstance(p, tuple | list) else (str(p), str(p)) for p in pairs]


def serializer_for(action: Action) -> type[serializers.Serializer]:
    """The serializer class of a verb's parameters; made once per verb."""
    if action.verb not in _serializers:
        members: dict[str, Any] = {p.name: field_for(p, action) for p in action.parameters}
        members["__doc__"] = f"Parameters of {action.verb}."
        name = "".join(word.capitalize() for word in action.verb.replace(".", "_").split("_"))
        _serializers[action.verb] = type(name, (serializers.Serializer,), members)
    return _serializers[action.verb]


_serializers: dict[str, type[serializers.Serializer]] = {}


def validated(
    action: Action, data: dict[str, Any], actor: Actor, subject: Any, *, local_times: bool = False
) -> dict[str, Any]:
    """The parameters of a call, checked; what was not given is left to the action's defaults.

    Raises DRF's ValidationError, in both faces.
    """
    known = {p.name: p for p in action.parameters}
    unknown = {
        n: [serializers.ErrorDetail(_unknown(action, n), code="parameter.unknown")]
        for n in data
        if n not in known
    }
    context = {"actor": actor, "subject": subject, "local_times": local_times}
    serializer = serializer_for(action)(data={n: v for n, v in data.items() if n in known}, context=context)
    valid = serializer.is_valid()
    if unknown or not valid:
        raise serializers.ValidationError({**unknown, **serializer.errors})
    return {name: _typed(known[name], value) for name, value in serializer.validated_data.items()}


# Names under which people send a secret to a verb that takes none.
_SECRETS = {
    "value",
    "secret",
    "password",
    "passwd",
    "token",
    "credential",
    "credentials",
    "api_key",
    "private_key",
}


def _unknown(action: Action, name: str) -> str:
    if name.lower() in _SECRETS:
        return (
            f"{action.verb} takes no {name}: never send a secret here, only where it lies."
            " What you sent was neither stored nor logged."
        )
    return f"{action.verb} has no parameter {name}."


def _typed(parameter: Parameter, value: Any) -> Any:
    """Choices arrive as their text; the action was promised its enumeration."""
    if isinstance(parameter.kind, type) and issubclass(parameter.kind, models.Choices) and value is not None:
        if parameter.many:
            return [parameter.kind(each) for each in value]
        return parameter.kind(value) if value != "" else None
    return value


def field_for(parameter: Parameter, action: Action | None = None) -> serializers.Field:
    """The serializer field of one parameter."""
    options: dict[str, Any] = {
        "required": parameter.required,
        "label": parameter.label,
        "help_text": parameter.field.help or parameter.label,
    }
    if parameter.nullable or (not parameter.required and parameter.default is None):
        options["allow_null"] = True
    if parameter.many:
        child = _bare_field(parameter, action, {})
        empty = not parameter.required
        return serializers.ListField(child=child, max_length=MOST_ITEMS, allow_empty=empty, **options)
    return _bare_field(parameter, action, options)


def _bare_field(parameter: Parameter, action: Action | None, options: dict[str, Any]) -> serializers.Field:
    kind = parameter.kind
    choices = choices_of(parameter)
    if choices is not None:
        pairs = _by_value(parameter, choices)
        blank = (
            not parameter.required
            and not parameter.many
            and all(isinstance(value, str) for value, _ in pairs)
        )
        return serializers.ChoiceField(choices=pairs, allow_blank=blank, **options)
    if isinstance(kind, type) and issubclass(kind, models.Model):
        return ObjectField(parameter, **options)
    if kind in _SIMPLE:
        return _SIMPLE[kind](parameter, _column(parameter, action), options)
    raise TypeError(
        f"Parameter {parameter.name} of {action.verb if action else '?'} has a type without a face: {kind!r}"
    )


def _by_value(parameter: Parameter, choices: list[tuple[str, str]]) -> list[tuple[Any, str]]:
    """Choices of a number are numbers in JSON as well."""
    if isinstance(parameter.kind, type) and (
        parameter.kind in (int, float)
        or (issubclass(parameter.kind, models.Choices) and issubclass(parameter.kind, int))
    ):
        return [
            (int(v) if not issubclass(parameter.kind, float) else float(v), label) for v, label in choices
        ]
    return list(choices)


def _column(parameter: Parameter, action: Action | None) -> models.Field | None:
    """The column of the same name, whose limits the parameter takes over when it declares none."""
    model = (action.creates or action.on) if action else None
    if model is None:
        return None
    return next((f for f in model._meta.concrete_fields if f.name == parameter.name), None)


def _text(parameter: Parameter, column: Any, options: dict[str, Any]) -> serializers.Field:
    longest = parameter.field.max_length or (
        column.max_length if isinstance(column, models.CharField) else None
    )
    longest = longest or (LONG_TEXT if parameter.field.long else SHORT_TEXT)
    return serializers.CharField(max_length=longest, allow_blank=not parameter.required, **options)


def _whole(parameter: Parameter, column: Any, options: dict[str, Any]) -> serializers.Field:
    low, high = -LARGEST, LARGEST
    if isinstance(column, models.IntegerField):
        bounds = connection.ops.integer_field_range(column.get_internal_type())
        low, high = max(low, bounds[0] or low), min(high, bounds[1] or high)
        if isinstance(
            column,
            models.PositiveIntegerField | models.PositiveSmallIntegerField | models.PositiveBigIntegerField,
        ):
            low = 0
    if parameter.field.min is not None:
        low = int(parameter.field.min)
    if parameter.field.max is not None:
        high = int(parameter.field.max)
    return WholeNumberField(min_value=low, max_value=high, **options)


def _number(parameter: Parameter, column: Any, options: dict[str, Any]) -> serializers.Field:
    return NumberField(min_value=parameter.field.min, max_value=parameter.field.max, **options)


def _decimal(parameter: Parameter, column: Any, options: dict[str, Any]) -> serializers.Field:
    digits, places = (
        (column.max_digits, column.decimal_places) if isinstance(column, models.DecimalField) else (20, 6)
    )
    low = Decimal(str(parameter.field.min)) if parameter.field.min is not None else None
    high = Decimal(str(parameter.field.max)) if parameter.field.max is not None else None
    return serializers.DecimalField(
        max_digits=digits, decimal_places=places, min_value=low, max_value=high, **options
    )


_SIMPLE: dict[Any, Callable[[Parameter, Any, dict[str, Any]], serializers.Field]] = {
    str: _text,
    int: _whole,
    float: _number,
    Decimal: _decimal,
    bool: lambda p, c, o: serializers.BooleanField(**o),
    date: lambda p, c, o: DayField(**o),
    datetime: lambda p, c, o: InstantField(**o),
    time: lambda p, c, o: serializers.TimeField(**o),
    UUID: lambda p, c, o: serializers.UUIDField(**o),
    dict: lambda p, c, o: JSONObjectField(**o),
    list: lambda p, c, o: JSONListField(**o),
    Upload: lambda p, c, o: UploadField(int(p.field.max) if p.field.max else None, **o),
}


def _parsed(text: str) -> Any:
    """JSON typed into a form."""
    try:
        return parse(text.encode())
    except (ParseError, UnicodeEncodeError) as error:
        raise serializers.ValidationError(str(error), code="invalid") from error


def _names_offset(text: str) -> bool:
    time = text.strip().upper().partition("T")[2] or text.strip().upper().partition(" ")[2]
    return time.endswith("Z") or "+" in time or "-" in time


def _within_years(value: _Day) -> _Day:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise serializers.ValidationError(
            f"Give a date between {FIRST_YEAR} and {LAST_YEAR}.", code="out_of_range"
        )
    return value
