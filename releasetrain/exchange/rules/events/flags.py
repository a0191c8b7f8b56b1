"""Changes of feature flags: Unleash, LaunchDarkly, and the plain form that an OpenFeature provider's hook can send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from .facts import Fact, FlagSaid, Message, Unreadable, inner, moment, obj, text

_UNLEASH = {"feature-environment-enabled": True, "feature-environment-disabled": False}
_GONE = {"feature-archived", "feature-deleted"}


def split_unleash(headers: Mapping[str, str], raw: bytes, load: Any) -> list[Message]:
    """One event as Unleash's webhook integration sends it by default."""
    body = obj(load(raw))
    if not text(body.get("type")):
        raise Unreadable("The body has no type.")
    return [
        Message(
            id=text(body.get("id")),
            type=text(body["type"]),
            body=body,
            text=raw.decode(),
            at=moment(body.get("createdAt")),
            origin=text(body.get("project")),
        )
    ]


def unleash(message: Message) -> list[Fact]:
    body, name = message.body, text(message.body.get("featureName"))
    enabled = _UNLEASH.get(message.type)
    if not name or message.at is None or (enabled is None and message.type not in _GONE):
        return []
    return [
        FlagSaid(
            flag=name,
            environment=text(body.get("environment")),
            enabled=enabled,
            at=message.at,
            by=text(body.get("createdBy")),
            project=text(body.get("project")),
        )
    ]


def split_launchdarkly(headers: Mapping[str, str], raw: bytes, load: Any) -> list[Message]:
    """One entry of the audit log."""
    body = obj(load(raw))
    return [
        Message(
            id=text(body.get("_id")),
            type=f"{text(body.get('kind'), 40) or 'change'}.{text(body.get('titleVerb'), 60) or 'changed'}",
            body=body,
            text=raw.decode(),
            at=moment(body.get("date")),
            origin=text(inner(body, "target", "name") or body.get("name")),
        )
    ]


def launchdarkly(message: Message) -> list[Fact]:
    """A flag was turned on or off in an environment: what was done, where, stands in `accesses`."""
    body = message.body
    if body.get("kind") != "flag" or message.at is None:
        return []
    found: list[Fact] = []
    current = inner(body, "currentVersion", "environments") or {}
    for access in body.get("accesses") or []:
        resource, act = text(inner(access, "resource"), 500), text(inner(access, "action"))
        parts = dict(part.partition("/")[::2] for part in resource.split(":"))
        place, flag = parts.get("env", "").partition(";")[0], parts.get("flag", "").partition(";")[0]
        on = inner(current, place, "on")
        if act == "deleteFlag" and flag:
            found.append(FlagSaid(flag, place, None, message.at, text(inner(body, "member", "email"))))
        elif act == "updateOn" and flag:
            enabled = on if isinstance(on, bool) else "on" in text(body.get("titleVerb")).split()
            found.append(FlagSaid(flag, place, enabled, message.at, text(inner(body, "member", "email"))))
    return found


def split_openfeature(headers: Mapping[str, str], raw: bytes, load: Any) -> list[Message]:
    """One change or a list of them: {"flagKey", "environment", "enabled" or "value", "variant", "timestamp"}."""
    body = load(raw)
    listed = body if isinstance(body, list) else [body]
    found = []
    for each in listed:
        said = obj(each, "The change")
        if not text(said.get("flagKey")):
            raise Unreadable("A change has no flagKey.")
        found.append(
            Message(
                id=text(said.get("id")),
                type="flag.changed",
                body=said,
                text=orjson.dumps(said).decode(),
                at=moment(said.get("timestamp")),
                origin=text(inner(said, "flagMetadata", "project")),
            )
        )
    return found


def openfeature(message: Message) -> list[Fact]:
    said = message.body
    enabled = said.get("enabled", said.get("value"))
    if not isinstance(enabled, bool) or message.at is None:
        return []
    return [
        FlagSaid(
            flag=text(said["flagKey"]),
            environment=text(said.get("environment") or inner(said, "context", "environment")),
            enabled=enabled,
            at=message.at,
            by=text(said.get("by") or inner(said, "context", "targetingKey")),
            variant=text(said.get("variant")),
        )
    ]
