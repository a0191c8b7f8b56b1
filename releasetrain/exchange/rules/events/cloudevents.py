"""CloudEvents 1.0 over HTTP: binary, structured and batch mode."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import orjson

from .facts import Fact, Message, Unreadable, inner, moment, obj, text

BATCH, STRUCTURED = "application/cloudevents-batch+json", "application/cloudevents+json"
_NAME = re.compile(r"[a-z0-9]{1,40}\Z")
_REQUIRED = ("id", "source", "type")


def split(headers: Mapping[str, str], raw: bytes, load: Any) -> list[Message]:
    """The events of a request in any of the three modes."""
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == BATCH:
        events = load(raw)
        if not isinstance(events, list):
            raise Unreadable("A batch is a JSON list of events.")
        return [structured(each, f"Event {number}") for number, each in enumerate(events, 1)]
    if media == STRUCTURED:
        return [structured(load(raw), "The event")]
    if media.startswith("application/cloudevents"):
        raise Unreadable(f"The event format {media} is not read; send JSON.")
    if "ce-specversion" in headers:
        return [_binary(headers, raw, media, load)]
    body = load(raw)
    if isinstance(body, list):
        return [structured(each, f"Event {number}") for number, each in enumerate(body, 1)]
    return [structured(body, "The event")]


def structured(event: Any, what: str) -> Message:
    """One event in the JSON format."""
    said = obj(event, what)
    attributes = {
        name: value for name, value in said.items() if name not in ("data", "data_base64", "data_text")
    }
    data = said.get("data")
    if "data_base64" in said:
        if data is not None:
            raise Unreadable(f"{what} has data twice: data and data_base64.")
        data = _json_of_base64(said["data_base64"], what)
    return _message(attributes, data, orjson.dumps(said).decode(), what)


def _binary(headers: Mapping[str, str], raw: bytes, media: str, load: Any) -> Message:
    attributes: dict[str, Any] = {
        name[3:]: unquote(value) for name, value in headers.items() if name.startswith("ce-")
    }
    if media:
        attributes["datacontenttype"] = media
    is_json = media in ("", "application/json") or media.endswith("+json")
    data = load(raw) if raw.strip() and is_json else None
    try:
        kept = raw.decode()
    except UnicodeDecodeError:
        kept = base64.b64encode(raw).decode()
    whole = {**attributes, "data": data} if data is not None else {**attributes, "data_text": kept}
    return _message(attributes, data, orjson.dumps(whole).decode(), "The event")


def _message(attributes: dict[str, Any], data: Any, kept: str, what: str) -> Message:
    version = attributes.get("specversion")
    if version != "1.0":
        raise Unreadable(f"{what} has no specversion 1.0.")
    for name in _REQUIRED:
        value = attributes.get(name)
        if not isinstance(value, str) or not value:
            raise Unreadable(f"{what} has no {name}.")
    for name in attributes:
        if not _NAME.match(name):
            raise Unreadable(
                f"{what} has an attribute {name[:60]!r}: names are lower-case letters and digits."
            )
    at = attributes.get("time")
    if at is not None and moment(at) is None:
        raise Unreadable(f"{what} has a time that is no RFC 3339 timestamp.")
    return Message(
        id=text(attributes["id"], 300),
        type=text(attributes["type"], 200),
        body=data,
        text=kept,
        at=moment(at),
        origin=text(attributes["source"], 300),
        thread=text(inner(data, "context", "chainId"), 100),
    )


def _json_of_base64(value: Any, what: str) -> Any:
    try:
        raw = base64.b64decode(str(value), validate=True)
    except binascii.Error as error:
        raise Unreadable(f"{what} has data_base64 that is not base64.") from error
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None


def facts(message: Message) -> list[Fact]:
    """CDEvents travel as CloudEvents; so do our own two types, with the parameters of their verbs as data."""
    from . import cdevents, own

    if message.type.startswith(cdevents.PREFIX):
        return cdevents.facts(message)
    return own.facts(message)
