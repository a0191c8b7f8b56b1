"""Values as pages show them: what kind of thing each is, so that one template writes all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db import models

from .listing import field_at, sortable
from .resources import Resource

_STATES = {
    "state",
    "status",
    "verdict",
    "severity",
    "priority",
    "risk",
    "outcome",
    "decision",
    "health",
    "level",
}


@dataclass(frozen=True)
class Value:
    """One value and its kind: object, person, state, moment, day, span, yes, number, list, json, long, hash, text."""

    kind: str
    raw: Any
    word: str = ""
    first: bool = False


@dataclass(frozen=True)
class Column:
    """One column of a list: its attribute, heading, and whether the list can be sorted by it."""

    name: str
    label: str
    numeric: bool
    sortable: bool


@dataclass(frozen=True)
class Row:
    """One row of a list."""

    obj: Any
    url: str
    cells: list[tuple[Column, Value]]


def value_of(obj: Any, name: str) -> Value:
    """The value of an attribute, a method without arguments, or a path such as ``train__name``."""
    owner: Any = obj
    *path, last = name.split("__")
    for step in path:
        owner = getattr(owner, step, None)
        if owner is None:
            return Value("text", None)
    raw = getattr(owner, last, None)
    field = _field(owner, last)
    if callable(raw) and not isinstance(raw, models.Model | models.Choices):
        raw = raw()
    if field is not None and field.choices:
        word = str(dict(field.flatchoices).get(raw, raw or ""))
        return Value(
            "state" if raw not in (None, "") and last in _STATES else "text",
            word if last not in _STATES else raw,
            word,
        )
    return Value(kind_of_value(raw, field, last), raw)


def kind_of_value(raw: Any, field: Any = None, name: str = "") -> str:
    """The kind of a value."""
    if isinstance(raw, get_user_model()):
        return "person"
    if isinstance(raw, models.Model):
        return "object"
    for types, kind in _KINDS:
        if isinstance(raw, types):
            return kind
    if isinstance(raw, str) and name in _STATES and raw:
        return "state"
    if isinstance(raw, str) and ("hash" in name or "digest" in name):
        return "hash"
    return "long" if isinstance(field, models.TextField) and raw else "text"


_KINDS: tuple[tuple[Any, str], ...] = (
    (bool, "yes"),
    (datetime, "moment"),
    (date, "day"),
    (timedelta, "span"),
    ((int, float, Decimal), "number"),
    (dict, "json"),
    ((list, tuple, models.QuerySet), "list"),
)


def heading(resource: Resource, name: str) -> str:
    """The heading of a column or fact."""
    try:
        text = str(field_at(resource.model, name).verbose_name)
    except (FieldDoesNotExist, AttributeError):
        attribute = getattr(resource.model, name, None)
        text = getattr(attribute, "short_description", "") or name.replace("__", " ").replace("_", " ")
    return text[:1].upper() + text[1:]


def columns_of(resource: Resource) -> list[Column]:
    """The columns of a list."""
    return [
        Column(
            name, heading(resource, name), _is_number(resource, name), sortable(resource, name) is not None
        )
        for name in resource.columns
    ]


def rows_of(columns: list[Column], objects: Iterable[Any], url_for: Any) -> list[Row]:
    """Rows with their cells; the first cell leads to the object."""
    found = []
    for obj in objects:
        cells = []
        for index, column in enumerate(columns):
            value = value_of(obj, column.name)
            cells.append((column, Value(value.kind, value.raw, value.word, first=index == 0)))
        found.append(Row(obj, url_for(obj), cells))
    return found


def facts_of(resource: Resource, obj: Any) -> list[tuple[str, Value]]:
    """The facts of a page: label and value, without what has no value."""
    every = [
        f.name
        for f in resource.fields
        if f.name not in ("id", "row_version", "state", "created_at", resource.lookup)
    ]
    names = resource.facts or (*every, *(["created_at"] if resource.has("created_at") else []))
    found = []
    for name in (*names, *(n for n in resource.computed if n not in names)):
        value = value_of(obj, name)
        if value.raw not in (None, "", [], {}):
            found.append((heading(resource, name), value))
    return found


def text_of(value: Value) -> str:
    """The value as plain text, for files."""
    raw = value.raw
    if raw is None:
        return ""
    if isinstance(raw, datetime):
        return raw.isoformat()
    if value.word:
        return value.word
    return ", ".join(str(v) for v in raw) if isinstance(raw, list | tuple | models.QuerySet) else str(raw)


def _is_number(resource: Resource, name: str) -> bool:
    try:
        field = field_at(resource.model, name)
    except (FieldDoesNotExist, AttributeError):
        return False
    return (
        isinstance(field, models.IntegerField | models.DecimalField | models.FloatField) and not field.choices
    )


def _field(owner: Any, name: str) -> Any:
    if not isinstance(owner, models.Model):
        return None
    try:
        return owner._meta.get_field(name)
    except FieldDoesNotExist:
        return None


__all__ = ["Column", "Row", "Value", "columns_of", "facts_of", "rows_of", "text_of", "value_of"]
