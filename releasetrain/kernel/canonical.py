"""Canonical JSON (RFC 8785) and digests over it: the one byte form every hash and signature is made of."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import orjson
import rfc8785

_SAFE = 2**53 - 1


class NotCanonical(ValueError):
    """The value has no canonical JSON form (NaN, infinity, a number beyond 2^53, an unknown type …)."""


def plain(value: Any) -> Any:
    """The value with UUID, date, datetime, Decimal, enums and tuples put into JSON's terms."""
    return _plain(value, [])


def canonical(value: Any) -> bytes:
    """The RFC 8785 bytes of the value."""
    try:
        odd: list[Any] = []
        value = _plain(value, odd)
        return rfc8785.dumps(value) if odd else orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except NotCanonical:
        raise
    except (rfc8785.CanonicalizationError, orjson.JSONEncodeError, UnicodeError, RecursionError) as error:
        raise NotCanonical(f"The value has no canonical JSON form: {error}") from error


def digest(value: Any) -> str:
    """SHA-256 over the canonical bytes, written as ``sha256:<hex>``."""
    return "sha256:" + hashlib.sha256(canonical(value)).hexdigest()


def _plain(value: Any, odd: list[Any]) -> Any:
    """The value in JSON's terms; what orjson, ten times as fast, would write in its own way is put on the list.

    Every entry of the ledger comes through here: the commonest types are asked for first, and exactly.
    """
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is dict:
        return _mapping(value, odd)
    if kind is list or kind is tuple:
        return [_plain(item, odd) for item in value]
    # Enum first: a TextChoices member is a str as well, and its value is what must be written.
    if isinstance(value, Enum):
        return _plain(value.value, odd)
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        if kind is not int or not -_SAFE <= value <= _SAFE:
            odd.append(value)
        return value
    if isinstance(value, Mapping):
        return _mapping(value, odd)
    if isinstance(value, list | tuple):
        return [_plain(item, odd) for item in value]
    return _text(value)


def _mapping(value: Mapping[Any, Any], odd: list[Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, item in value.items():
        name = key if type(key) is str else plain(key)
        if not isinstance(name, str):
            raise NotCanonical(f"Object keys are strings; got {type(key).__name__}.")
        if name in out:
            raise NotCanonical(f"Two keys are written alike: {name!r}.")
        if not name.isascii():
            odd.append(name)
        out[name] = item if type(item) is str else _plain(item, odd)
    return out


def _text(value: Any) -> str:
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return write(value)
    raise NotCanonical(f"A {type(value).__name__} has no canonical JSON form.")


def _instant(value: datetime) -> str:
    if value.utcoffset() is None:
        raise NotCanonical("A time without zone has no canonical form.")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise NotCanonical("Only finite decimals have a canonical form.")
    # 1.1 before saving is 1.10 after it (columns have a scale): zeros would change the digest of equal facts.
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


# Datetime is asked for before date, which it is too.
_WRITERS: list[tuple[type, Callable[[Any], str]]] = [
    (UUID, str),
    (datetime, _instant),
    (date, date.isoformat),
    (Decimal, _decimal),
]
