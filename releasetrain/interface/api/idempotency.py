"""Idempotency-Key: the same request again gets the same answer for a day, and acts once.

The answer is stored in the transaction of the act, so either both exist or neither. Refusals are not stored: they
have changed nothing, and a retry may meet a better day.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.db import connection
from rest_framework.response import Response

from releasetrain.interface.models import IdempotentReply
from releasetrain.kernel.canonical import NotCanonical, digest
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Refusal, Refused

from .rendering import dump

KEPT = timedelta(hours=24)
_KEY = re.compile(r"[\x21-\x7e]{1,255}\Z")
_REPEATED_HEADERS = ("Location", "ETag")


def once(request: Any, act: Callable[[], Response], quiet: frozenset[str] = frozenset()) -> Response:
    """Perform the act, or repeat its answer when this key was used for the same request before.

    Parameters that are quiet leave no trace here either, not even in the fingerprint: a vote of one to five fingers
    would be found by trying five.
    """
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        return act()
    if not _KEY.match(key):
        raise Refused(
            Refusal(
                "idempotency.key_invalid",
                "An Idempotency-Key is 1 to 255 printable ASCII characters.",
                status=400,
            )
        )
    actor = request.actor
    _lock(f"{actor.organization_id}:{actor.user_id}:{key}")
    IdempotentReply.objects.filter(created_at__lt=now() - KEPT).delete()
    fingerprint = _fingerprint(request, quiet)
    earlier = IdempotentReply.objects.filter(user_id=actor.user_id, key=key).first()
    if earlier is not None:
        return _repeat(earlier, fingerprint)
    response = act()
    if response.status_code < 300:
        IdempotentReply.objects.create(
            user_id=actor.user_id,
            key=key,
            fingerprint=fingerprint,
            status=response.status_code,
            headers={name: response[name] for name in _REPEATED_HEADERS if response.has_header(name)},
            body=_cipher().encrypt(dump(response.data)),
        )
    return response


def _repeat(earlier: IdempotentReply, fingerprint: str) -> Response:
    if earlier.fingerprint != fingerprint:
        raise Refused(
            Refusal(
                "idempotency.other_body",
                "This Idempotency-Key was used with another request.",
                remedy="Use a new key for a new request.",
                status=422,
            )
        )
    try:
        body = orjson.loads(_cipher().decrypt(bytes(earlier.body)))
    except InvalidToken:  # the installation's secret key has changed since
        raise Refused(
            Refusal("idempotency.unreadable", "The act was done, but its answer can no longer be read.")
        ) from None
    return Response(body, status=earlier.status, headers={**earlier.headers, "Idempotent-Replayed": "true"})


def _lock(name: str) -> None:
    """Hold the key until the transaction ends; somebody else holding it is answering this very request."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        if not cursor.fetchone()[0]:
            raise Refused(
                Refusal(
                    "idempotency.in_progress",
                    "A request with this Idempotency-Key is being answered right now.",
                    remedy="Wait a moment and repeat it.",
                    status=409,
                )
            )


def _without(content: Any, quiet: frozenset[str]) -> Any:
    """The content without what must not be kept, however deep it lies (bulk requests nest it)."""
    if isinstance(content, dict):
        return {name: _without(value, quiet) for name, value in content.items() if name not in quiet}
    if isinstance(content, list):
        return [_without(value, quiet) for value in content]
    return content


def _fingerprint(request: Any, quiet: frozenset[str]) -> str:
    content = (
        {name: _content(request.data, name) for name in request.data}
        if hasattr(request.data, "keys")
        else request.data
    )
    seen = {
        "method": request.method,
        "path": request.path,
        "query": request.META.get("QUERY_STRING", ""),
        "content": _without(content, quiet),
    }
    try:
        return digest(seen)
    except NotCanonical:
        return "sha256:" + hashlib.sha256(repr(seen).encode()).hexdigest()


def _content(data: Any, name: str) -> Any:
    values = data.getlist(name) if hasattr(data, "getlist") else data[name]
    if isinstance(values, list) and any(hasattr(v, "read") or isinstance(v, Upload) for v in values):
        return [_file(v) for v in values]
    return values


def _file(value: Any) -> str:
    if not hasattr(value, "read"):
        return str(value)
    found = hashlib.sha256(value.read()).hexdigest()
    value.seek(0)
    return found


def _cipher() -> Fernet:
    return Fernet(
        base64.urlsafe_b64encode(hashlib.sha256(b"idempotent-reply:" + settings.SECRET_KEY.encode()).digest())
    )
