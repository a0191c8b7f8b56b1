"""Keyset pagination: a cursor names the last row seen, so that pages stay stable while rows come and go."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from releasetrain.interface.listing import SortKey, field_at
from releasetrain.interface.resources import Resource
from releasetrain.kernel.refusals import Refusal, Refused

from .rendering import dump

DEFAULT_LIMIT, MOST = 50, 200


def limit_of(text: str) -> int:
    """The page size asked for."""
    if not text:
        return DEFAULT_LIMIT
    if not text.isascii() or not text.isdigit() or len(text) > 6 or not 1 <= int(text) <= MOST:
        raise Refused(
            Refusal("filter.invalid", f"limit is a number from 1 to {MOST}.", field="limit", status=422)
        )
    return int(text)


def cursor_after(row: Any, keys: list[SortKey]) -> str:
    """The cursor that continues behind this row in this order."""
    values = [key.value_of(row) for key in keys]
    text = dump(
        [
            _signature(keys),
            *(str(v) if v is not None and not isinstance(v, bool | int) else v for v in values),
        ]
    )
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def after(rows: QuerySet, resource: Resource, keys: list[SortKey], cursor: str) -> QuerySet:
    """The rows behind the cursor."""
    values = _read(resource, keys, cursor)
    condition = Q(pk__in=[])
    equal = Q()
    for key, value in zip(keys, values, strict=True):
        step = _beyond(key, value)
        if step is not None:
            condition |= equal & step
        equal &= Q(**{f"{key.path}__isnull": True}) if value is None else Q(**{key.path: value})
    return rows.filter(condition)


def _beyond(key: SortKey, value: Any) -> Q | None:
    if value is None:  # rows without a value come last: nothing lies behind them in this key
        return None
    step = Q(**{f"{key.path}__{'lt' if key.descending else 'gt'}": value})
    return step | Q(**{f"{key.path}__isnull": True}) if key.nullable else step


def _signature(keys: list[SortKey]) -> str:
    return ",".join(f"-{k.path}" if k.descending else k.path for k in keys)


def _read(resource: Resource, keys: list[SortKey], cursor: str) -> list[Any]:
    try:
        read = orjson.loads(base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
        if not isinstance(read, list) or len(read) != len(keys) + 1 or read[0] != _signature(keys):
            raise ValueError("another order")
        return [_typed(resource, key, value) for key, value in zip(keys, read[1:], strict=True)]
    except (ValueError, TypeError, UnicodeError, binascii.Error, ValidationError, OverflowError) as error:
        raise Refused(
            Refusal(
                "cursor.invalid",
                "The cursor does not belong to this list and order.",
                field="cursor",
                status=422,
            )
        ) from error


def _typed(resource: Resource, key: SortKey, value: Any) -> Any:
    if value is None:
        if not key.nullable:
            raise ValueError("a key is missing")
        return None
    if isinstance(value, list | dict) or "\0" in str(value):
        raise ValueError("not a value")
    field = field_at(resource.model, key.path) if key.path != "pk" else resource.model._meta.pk
    return field.to_python(value)
