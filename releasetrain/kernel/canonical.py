"""Canonical JSON (RFC 8785) and digests over it: the one byte form every hash and signature is made of."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import rfc8785


class NotCanonical(ValueError):
    """The value has no canonical JSON form (NaN, infinity, a number beyond 2^53, an unknown type …)."""


def plain(value: Any) -> Any:
    """The value with everything JSON does not know (UUID, date, datetime, Decimal, enums, tuples) put into JSON terms."""
    # Enum first: a TextChoices member is a str as well, and its value is what must be written.
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Mapping):
        return _mapping(value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    raise NotCanonical(f"A {type(value).__name__} has no canonical JSON form.")


def canonical(value: Any) -> bytes:
    """The RFC 8785 bytes of the value."""
    try:
        return rfc8785.dumps(plain(value))
    except NotCanonical:
        raise
    except (rfc8785.CanonicalizationError, UnicodeError, RecursionError) as error:
        raise NotCanonical(f"The value has no canonical JSON form: {error}") from error


def digest(value: Any) -> str:
    """SHA-256 over the canonical bytes, written as ``sha256:<hex>``."""
    return "sha256:" + hashlib.sha256(canonical(value)).hexdigest()


def _mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, item in value.items():
        name = plain(key)
        if not isinstance(name, str):
            raise NotCanonical(f"Object keys are strings; got {type(key).__name__}.")
        if name in out:
            raise NotCanonical(f"Two keys are written alike: {name!r}.")
        out[name] = plain(item)
    return out


def _instant(value: datetime) -> str:
    if value.utcoffset() is None:
        raise NotCanonical("A time without zone has no canonical form.")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise NotCanonical("Only finite decimals have a canonical form.")
    # 1.1 before saving is 1.10 after it (numeric columns have a scale): trailing zeros would change digests of equal facts.
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text
