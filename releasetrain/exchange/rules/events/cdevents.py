"""CDEvents 0.3 to 0.6: deployments, artifacts, test runs and incidents mean something here; all others are kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

import orjson

from . import cloudevents
from .facts import (
    ArtifactSaid,
    DeploymentSaid,
    Fact,
    IncidentSaid,
    Message,
    TestsSaid,
    Unreadable,
    inner,
    link,
    moment,
    obj,
    text,
)

PREFIX = "dev.cdevents."
_TYPE = re.compile(r"dev\.cdevents\.([a-z]+)\.([a-z]+)\.(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)\Z")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_SEVERITIES = {"critical": 1, "high": 2, "medium": 3, "low": 4}


def split(headers: Mapping[str, str], raw: bytes, load: Any) -> list[Message]:
    """CDEvents bare, as a list, or inside CloudEvents in any mode."""
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media.startswith("application/cloudevents") or "ce-specversion" in headers:
        return [_inside(each) for each in cloudevents.split(headers, raw, load)]
    body = load(raw)
    listed = body if isinstance(body, list) else [body]
    return [
        _inside(cloudevents.structured(each, f"Event {number}"))
        if isinstance(each, dict) and "specversion" in each
        else message(each, orjson.dumps(each).decode(), f"Event {number}")
        for number, each in enumerate(listed, 1)
    ]


def _inside(event: Message) -> Message:
    if not event.type.startswith(PREFIX):
        return event
    return message(event.body, event.text, f"The event {event.id}")


def message(body: Any, kept: str, what: str) -> Message:
    """One event, checked for what every CDEvent has."""
    context = obj(inner(obj(body, what), "context"), f"The context of {what}")
    if not (context.get("specversion") or context.get("version")):
        raise Unreadable(f"{what} does not say its version of CDEvents.")
    for name in ("id", "source", "type", "timestamp"):
        if not isinstance(context.get(name), str) or not context[name]:
            raise Unreadable(f"{what} has no context.{name}.")
    if not _TYPE.match(context["type"]):
        raise Unreadable(f"{what} is of no CDEvents type: {context['type'][:80]!r}.")
    at = moment(context["timestamp"])
    if at is None:
        raise Unreadable(f"{what} has a timestamp that is no RFC 3339 timestamp.")
    subject = obj(inner(body, "subject"), f"The subject of {what}")
    if not isinstance(subject.get("id"), str) or not subject["id"]:
        raise Unreadable(f"{what} has no subject.id.")
    return Message(
        id=text(context["id"], 300),
        type=text(context["type"]),
        body=body,
        text=kept,
        at=at,
        origin=text(context["source"], 300),
        thread=text(context.get("chainId"), 100),
    )


def facts(event: Message) -> list[Fact]:
    """What the event says that is acted upon here."""
    found = _TYPE.match(event.type)
    reader = _READERS.get((found[1], found[2])) if found else None
    return reader(event, _Subject(event.body)) if reader else []


class _Subject:
    """The subject of an event, with the names that several kinds share."""

    def __init__(self, body: Any):
        self.body = body if isinstance(body, dict) else {}
        self.id = text(inner(self.body, "subject", "id"), 300)
        self.content: dict[str, Any] = inner(self.body, "subject", "content") or {}
        custom = self.body.get("customData")
        self.custom: dict[str, Any] = custom if isinstance(custom, dict) else {}

    def name(self, *path: str) -> str:
        return text(inner(self.content, *path))

    def artifact(self) -> Package:
        return package(text(self.content.get("artifactId") or self.custom.get("artifactId"), 500))


class Package:
    """What a package URL says: name, version, digest."""

    def __init__(self, name: str = "", version: str = "", digest: str = ""):
        self.name, self.version, self.digest = name, version, digest


def package(purl: str) -> Package:
    """pkg:oci/myapp@sha256%3A…?tag=1.2.3 and its like; anything that is none names nothing."""
    if not purl.startswith("pkg:"):
        return Package(digest=found[0] if (found := _DIGEST.search(purl)) else "")
    path, _, qualifiers = purl[4:].partition("#")[0].partition("?")
    path, _, version = path.partition("@")
    version, said = (
        unquote(version),
        dict(part.partition("=")[::2] for part in qualifiers.split("&") if "=" in part),
    )
    digest = _DIGEST.search(version) or _DIGEST.search(unquote(said.get("checksum", "")))
    if digest and _DIGEST.fullmatch(version):
        version = unquote(said.get("tag", ""))
    return Package(unquote(path.rpartition("/")[2]), version[:120], digest[0] if digest else "")


def _deployed(event: Message, subject: _Subject, kind: str = "deploy") -> list[Fact]:
    artifact = subject.artifact()
    return [
        DeploymentSaid(
            service=subject.id,
            environment=subject.name("environment", "id"),
            status="succeeded",
            external_id=f"{event.origin}#{event.id}"[-200:],
            started_at=event.at,
            finished_at=event.at,
            version=artifact.version,
            digest=artifact.digest,
            kind=kind,
            by=text(subject.custom.get("user")),
            commit=text(subject.custom.get("commit"), 64),
            release=text(subject.custom.get("release"), 40),
            url=link(subject.custom.get("url")),
        )
    ]


def _rolled_back(event: Message, subject: _Subject) -> list[Fact]:
    return _deployed(event, subject, "rollback")


def _packaged(event: Message, subject: _Subject) -> list[Fact]:
    made = package(subject.id)
    if not made.digest:
        return []
    commit = subject.name("change", "id")
    return [
        ArtifactSaid(
            service=made.name,
            digest=made.digest,
            version=made.version,
            commit=commit if re.fullmatch(r"[0-9a-f]{7,64}", commit) else "",
            built_at=event.at,
        )
    ]


def _incident(event: Message, subject: _Subject) -> list[Fact]:
    assert event.at is not None
    resolved = ".incident.resolved." in event.type
    service = subject.name("service", "id") or subject.artifact().name
    severity = text(subject.content.get("severity") or subject.custom.get("severity")).lower()
    description = subject.name("description")
    return [
        IncidentSaid(
            service=service,
            title=description or subject.id[:200],
            external_id=f"{text(inner(event.body, 'subject', 'source'), 100)}#{subject.id}"[-200:].lstrip(
                "#"
            ),
            detected_at=event.at,
            severity=_SEVERITIES.get(severity, 3),
            resolved_at=event.at if resolved else None,
            impact=f"In {place}." if (place := subject.name("environment", "id")) else "",
            url=link(subject.content.get("ticketURI")),
        )
    ]


def _tested(event: Message, subject: _Subject) -> list[Fact]:
    outcome = subject.name("outcome")
    if outcome not in ("success", "pass", "failure", "fail", "error"):
        return []
    name = next(
        (
            found
            for key in ("testSuite", "testCase")
            if (found := subject.name(key, "name") or subject.name(key, "id"))
        ),
        subject.id,
    )
    return [
        TestsSaid(
            suite=name,
            passed=outcome in ("success", "pass"),
            digest=subject.artifact().digest,
            thread=event.thread,
            reason=subject.name("reason"),
            url=link(subject.custom.get("url")),
        )
    ]


_READERS: dict[tuple[str, str], Callable[[Message, _Subject], list[Fact]]] = {
    ("service", "deployed"): _deployed,
    ("service", "upgraded"): _deployed,
    ("service", "rolledback"): _rolled_back,
    ("artifact", "packaged"): _packaged,
    ("artifact", "published"): _packaged,
    ("incident", "detected"): _incident,
    ("incident", "reported"): _incident,
    ("incident", "resolved"): _incident,
    ("testsuiterun", "finished"): _tested,
    ("testcaserun", "finished"): _tested,
}
