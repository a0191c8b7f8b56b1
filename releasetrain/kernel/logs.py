"""Logs as JSON, one object a line, with the request that a line belongs to and without secrets."""

from __future__ import annotations

import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import orjson

# Of the request, or of the task that a request asked for.
request_id: ContextVar[str] = ContextVar("request_id", default="")

HIDDEN = "[hidden]"
_SECRETS = [
    # our own tokens, signing secrets of webhooks, tokens of the usual neighbours, JSON web tokens, keys
    re.compile(r"rtk_[0-9A-Za-z]{12}_[0-9A-Za-z]{20,}"),
    re.compile(r"whsec_[0-9A-Za-z+/=_-]{8,}"),
    re.compile(r"\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|hvs\.|sk-)[0-9A-Za-z_.-]{8,}"),
    re.compile(r"\beyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]+(?:\.[0-9A-Za-z_-]*)?"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
]
_AFTER = [
    # what follows a telling name: headers, forms, JSON, reprs, addresses with a password in them
    re.compile(
        r"(?i)((?:authorization|proxy-authorization)['\"]?\s*[:=]\s*['\"]?(?:bearer|basic|token)?\s+)[^\s'\",;]+"
    ),
    re.compile(r"(?i)(\bbearer\s+)[0-9A-Za-z._~+/=-]{6,}"),
    re.compile(
        r"(?i)(\b[\w-]*(?:password|passwd|secret|api[_-]?key|access[_-]?token|private[_-]?token)['\"]?\s*[:=]\s*['\"]?)[^\s'\",;&}]+"
    ),
    re.compile(r"(?i)(\b(?:session|sessionid|csrf|csrftoken|__Host-session|__Host-csrf)=)[^\s;,'\"]+"),
    re.compile(r"([a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@/]+(?=@)"),
]
_STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def without_secrets(text: str, known: tuple[str, ...] = ()) -> str:
    """The text with everything that looks like a secret, or is one that we know, taken out."""
    for secret in known:
        text = text.replace(secret, HIDDEN)
    for pattern in _SECRETS:
        text = pattern.sub(HIDDEN, text)
    for pattern in _AFTER:
        text = pattern.sub(lambda found: found[1] + HIDDEN, text)
    return text


def secrets_in(*addresses: str) -> tuple[str, ...]:
    """The passwords that stand in connection addresses, and whatever else is given, when long enough to be told apart."""
    found = set()
    for each in addresses:
        password = urlsplit(each).password if "://" in each else each
        if password and len(password) >= 6:
            found.add(password)
    return tuple(sorted(found, key=len, reverse=True))


class _Formatter(logging.Formatter):
    def __init__(self, *arguments: Any, known: tuple[str, ...] = (), **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.known = known


class LineFormatter(_Formatter):
    """For people who read along: time, level, logger, request, message."""

    def format(self, record: logging.LogRecord) -> str:
        said = super().format(record)
        request = request_id.get()
        return without_secrets(f"{said} [{request}]" if request else said, self.known)


class JSONFormatter(_Formatter):
    """For machines: one JSON object a line; what a call gives as `extra` becomes fields of their own."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        request = request_id.get()
        if request:
            fields["request_id"] = request
        for name, value in vars(record).items():
            # Django hangs the whole request and other objects on a record; only plain values are told.
            if name not in _STANDARD and isinstance(value, str | int | float | bool):
                fields[name] = value
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return without_secrets(orjson.dumps(fields, default=str).decode(), self.known)
