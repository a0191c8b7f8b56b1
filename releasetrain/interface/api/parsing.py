"""Reading JSON: bounded in size and depth before anything looks at it."""

from __future__ import annotations

from typing import Any

import orjson
from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

MAX_DEPTH = 48


class BodyTooLarge(APIException):
    status_code = 413
    default_code = "body.too_large"
    default_detail = "The body is larger than this endpoint reads."


class JSONParser(BaseParser):
    """application/json by orjson. Refuses bad UTF-8, deep nesting, and the zero character (not in PostgreSQL)."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise BodyTooLarge(f"The body is larger than {limit} bytes.")
        return parse(body)


def parse(body: bytes) -> Any:
    """The JSON value of the text; raises ParseError (400) for anything else."""
    if not body.strip():
        return {}
    try:
        value = orjson.loads(body)
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise ParseError(f"This is not JSON: {error}", code="json.invalid") from error
    _check(value, zero=b"\\u0000" in body)
    return value


def _check(value: Any, *, zero: bool) -> None:
    """Walk the value without recursion."""
    open_values: list[tuple[Any, int]] = [(value, 0)]
    while open_values:
        current, depth = open_values.pop()
        if isinstance(current, dict):
            inner = current.values()
            if zero and any("\0" in key for key in current):
                raise ParseError("A name contains the zero character.", code="text.zero_character")
        elif isinstance(current, list):
            inner = current  # type: ignore[assignment]
        else:
            if zero and isinstance(current, str) and "\0" in current:
                raise ParseError("A text contains the zero character.", code="text.zero_character")
            continue
        if depth >= MAX_DEPTH:
            raise ParseError(f"The JSON is nested deeper than {MAX_DEPTH} levels.", code="json.too_deep")
        open_values.extend((each, depth + 1) for each in inner if zero or isinstance(each, dict | list))
