"""Incidents and alerts: PagerDuty webhooks v3, Alertmanager, and records shaped like ServiceNow's."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .facts import AlertSaid, Fact, IncidentSaid, Message, Unreadable, inner, link, moment, obj, text

_WORDS = {
    "critical": 1, "p1": 1, "sev1": 1, "sev-1": 1, "page": 1, "emergency": 1, "disaster": 1,
    "high": 2, "error": 2, "major": 2, "p2": 2, "sev2": 2, "sev-2": 2,
    "medium": 3, "warning": 3, "moderate": 3, "p3": 3, "sev3": 3, "sev-3": 3, "average": 3,
    "low": 4, "info": 4, "minor": 4, "none": 4, "p4": 4, "p5": 4, "sev4": 4, "sev-4": 4,
}  # fmt: skip


def severity_of(word: Any, otherwise: int = 3) -> int:
    """A severity from 1, worst, to 4, of the words that monitoring uses; "1 - Critical" counts by its number."""
    said = text(word, 60).lower()
    if said[:1] in ("1", "2", "3", "4", "5") and not said[1:2].isalnum():
        return min(int(said[0]), 4)
    return _WORDS.get(said, otherwise)


# -- PagerDuty


def split_pagerduty(headers: Mapping[str, str], raw: bytes, load: Any) -> list[Message]:
    """The one event of a delivery."""
    event = obj(obj(load(raw)).get("event"), "event")
    if not text(event.get("id")) or not text(event.get("event_type")):
        raise Unreadable("The event has no id or no event_type.")
    return [
        Message(
            id=text(event["id"], 300),
            type=text(event["event_type"]),
            body=event,
            text=raw.decode(),
            at=moment(event.get("occurred_at")),
            origin=text(inner(event, "data", "service", "summary")),
            thread=text(inner(event, "data", "id"), 100),
        )
    ]


def pagerduty(message: Message) -> list[Fact]:
    """Whatever is said about an incident carries the incident as it then was."""
    data = inner(message.body, "data")
    if not message.type.startswith("incident.") or not isinstance(data, dict):
        return []
    opened = moment(data.get("created_at"))
    if data.get("type") != "incident" or opened is None:
        return []
    at = message.at or opened
    ended = text(data.get("status")) == "resolved"
    priority = text(inner(data, "priority", "summary"))
    return [
        IncidentSaid(
            service=text(inner(data, "service", "summary")),
            title=text(data.get("title")) or text(data.get("id")),
            external_id=text(data.get("id")),
            detected_at=opened,
            severity=severity_of(priority, 2 if data.get("urgency") == "high" else 4),
            resolved_at=max(moment(data.get("resolved_at")) or at, opened) if ended else None,
            url=link(data.get("html_url")),
            fingerprint=text(data.get("incident_key"), 100),
        )
    ]


# -- Alertmanager


def split_alertmanager(headers: Mapping[str, str], raw: bytes, load: Any) -> list[Message]:
    """One event for each notification of a group; the same text again is the same event."""
    body = obj(load(raw))
    if not isinstance(body.get("alerts"), list):
        raise Unreadable("The body has no list of alerts.")
    return [
        Message(
            id="",
            type=f"alerts.{text(body.get('status'), 20) or 'firing'}",
            body=body,
            text=raw.decode(),
            origin=text(body.get("receiver")),
            thread=text(body.get("groupKey"), 100),
        )
    ]


def alertmanager(message: Message) -> list[Fact]:
    """Each alert of the group is an incident of its own and an alert that a drill may wait for."""
    found: list[Fact] = []
    for each in message.body["alerts"]:
        if isinstance(each, dict) and (starts := moment(each.get("startsAt"))) is not None:
            found.extend(_alert(each, starts))
    return found


def _alert(each: dict[str, Any], starts: datetime) -> list[Fact]:
    labels = {text(k): text(v) for k, v in (inner(each, "labels") or {}).items()}
    notes = inner(each, "annotations") or {}
    name = labels.get("alertname") or text(notes.get("summary")) or "Alert"
    ends = moment(each.get("endsAt"))
    resolved = each.get("status") == "resolved" or (each.get("status") is None and ends is not None)
    ended = max(ends or starts, starts) if resolved else None
    fingerprint = text(each.get("fingerprint"), 100) or _fingerprint(labels)
    service = labels.get("service") or labels.get("job") or labels.get("app") or ""
    return [
        AlertSaid(name, service, starts, ended, fingerprint, labels),
        IncidentSaid(
            service=service,
            title=text(notes.get("summary")) or name,
            # An alert that fires again later is another incident.
            external_id=f"{fingerprint}@{starts.isoformat()}"[:200],
            detected_at=starts,
            severity=severity_of(labels.get("severity")),
            resolved_at=ended,
            impact=text(notes.get("description"), 4000),
            fingerprint=name[:100],
            url=link(notes.get("runbook_url") or each.get("generatorURL")),
        ),
    ]


def _fingerprint(labels: dict[str, str]) -> str:
    """What identifies an alert where the sender does not say: its labels."""
    return hashlib.sha256("\n".join(f"{k}={v}" for k, v in sorted(labels.items())).encode()).hexdigest()[:16]


# -- ServiceNow


def split_servicenow(headers: Mapping[str, str], raw: bytes, load: Any) -> list[Message]:
    """One record, or a list of them, as business rules and the table API send them."""
    body = load(raw)
    listed = body.get("result", body.get("records", body)) if isinstance(body, dict) else body
    return [_record(obj(each, "The record")) for each in (listed if isinstance(listed, list) else [listed])]


def _record(said: dict[str, Any]) -> Message:
    import orjson

    number = _plain(said, "sys_id") or _plain(said, "number")
    if not number:
        raise Unreadable("The record has no sys_id and no number.")
    version = _plain(said, "sys_mod_count") or _plain(said, "sys_updated_on")
    return Message(
        id=f"{number}:{version}" if version else "",
        type=f"incident.{_plain(said, 'state') or 'record'}"[:200],
        body=said,
        text=orjson.dumps(said).decode(),
        at=moment(_plain(said, "sys_updated_on")),
        thread=number[:100],
    )


_RESOLVED, _CLOSED, _CANCELLED = ("6", "resolved"), ("7", "closed"), ("8", "canceled", "cancelled")


def servicenow(message: Message) -> list[Fact]:
    """The incident as the record says; one that was cancelled is none."""
    said = message.body
    state = (_plain(said, "state") or _plain(said, "incident_state")).lower()
    opened = moment(_plain(said, "opened_at") or _plain(said, "sys_created_on"))
    if state in _CANCELLED or opened is None:
        return []
    ended = state in _RESOLVED or state in _CLOSED
    resolved = moment(_plain(said, "resolved_at") or _plain(said, "closed_at")) or message.at
    return [
        IncidentSaid(
            service=_plain(said, "business_service") or _plain(said, "cmdb_ci") or _plain(said, "service"),
            title=(_plain(said, "short_description") or _plain(said, "number"))[:200],
            external_id=_plain(said, "number") or _plain(said, "sys_id"),
            detected_at=opened,
            severity=severity_of(
                _plain(said, "priority") or _plain(said, "severity") or _plain(said, "impact")
            ),
            resolved_at=max(resolved or opened, opened) if ended else None,
            impact=text(_plain(said, "description"), 4000),
        )
    ]


def _plain(said: dict[str, Any], name: str) -> str:
    """A field as it is shown: references come as {display_value, value}."""
    value = said.get(name)
    if isinstance(value, dict):
        value = value.get("display_value") or value.get("name") or value.get("value")
    return text(value, 4000)
