"""Writing JSON: orjson, with the types it does not know."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
from django.db import models
from django.utils.functional import Promise
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def dump(value: Any) -> bytes:
    """The value as JSON text."""
    return orjson.dumps(value, default=_plain, option=_OPTIONS)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Promise):
        return str(value)
    if isinstance(value, models.Model):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, str | list | dict):
        # Subclasses (DRF's ErrorDetail, ReturnDict) that orjson does not take for their base class.
        return (
            str(value) if isinstance(value, str) else list(value) if isinstance(value, list) else dict(value)
        )
    raise TypeError(f"{type(value).__name__} has no JSON form")


class JSONRenderer(BaseRenderer):
    """application/json by orjson; problems are application/problem+json."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        return b"" if data is None else dump(data)


class AlwaysJSON(BaseContentNegotiation):
    """There is one representation, so that a missing or odd Accept header is no reason to refuse."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        wanted = (request.content_type or "").partition(";")[0].strip().lower()
        return next((p for p in parsers if p.media_type == wanted), None)

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type
