"""Intake: a request is verified, taken apart and kept before anything is made of it. What is kept twice counts once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from releasetrain.exchange import sealing, tasks
from releasetrain.exchange.models import EventSource, InboundEvent
from releasetrain.exchange.rules.events import Message, Unreadable, kind_of
from releasetrain.interface.api.parsing import parse
from releasetrain.kernel.clock import now
from releasetrain.tenancy.bulk import insert_many
from releasetrain.tenancy.tasks import enqueue

LARGEST = 8 * 1024 * 1024
MOST = 5_000
# What helps to understand an event later; nothing that proves the sender.
_KEPT_HEADERS = (
    "content-type",
    "user-agent",
    "webhook-id",
    "x-github-event",
    "x-github-delivery",
    "x-github-hook-id",
    "x-gitlab-event",
    "x-gitlab-instance",
    "x-gitlab-event-uuid",
    "idempotency-key",
    "x-webhook-id",
)


@dataclass(frozen=True)
class Taken:
    """What came of a request: how many events it held, and how many of them are new."""

    events: int
    new: int


def secrets_of(source: EventSource) -> list[str]:
    """The secret, and the one before it while both are good."""
    found = [sealing.unseal(source.sealed_secret)]
    if source.previous_until and source.previous_until > now():
        found.append(sealing.unseal(source.sealed_previous))
    return [each for each in found if each]


def verified(source: EventSource, headers: Mapping[str, str], raw: bytes) -> bool:
    """Whether the request comes from who knows the secret."""
    secrets = secrets_of(source)
    return bool(secrets) and kind_of(source.kind).scheme(headers, raw, secrets)


def take(source: EventSource, headers: Mapping[str, str], raw: bytes) -> Taken:
    """Keep the events of a verified request; raises Unreadable or ParseError when it holds none."""
    messages = kind_of(source.kind).read(headers, raw, parse)
    if len(messages) > MOST:
        raise Unreadable(f"At most {MOST} events at once.")
    kept = {name: headers[name][:300] for name in _KEPT_HEADERS if headers.get(name)}
    rows = {row.event_id: row for row in (_row(source, message, kept) for message in messages)}
    listed = list(rows.values())
    new = insert_many(listed, ignore_conflicts=True)
    if listed:
        enqueue(tasks.act_on_events, source.organization_id)
    return Taken(len(messages), new)


def reread(event: InboundEvent) -> Message:
    """The message of a kept event, as its kind reads it now."""
    headers = {name: value for name, value in event.headers.items() if name != "content-type"}
    return kind_of(event.source.kind).read(headers, event.body.encode(), parse)[0]


def _row(source: EventSource, message: Message, headers: dict[str, str]) -> InboundEvent:
    moment = now()
    return InboundEvent(
        source=source,
        event_id=identity(message),
        type=message.type[:200],
        origin=message.origin[:300],
        thread=message.thread[:100],
        occurred_at=message.at,
        received_at=moment,
        headers=headers,
        body=message.text,
        due_at=moment,
    )


def identity(message: Message) -> str:
    """What makes two messages of a source the same event: where it came from, its type and its id, or else its text."""
    own = message.id or hashlib.sha256(message.text.encode()).hexdigest()
    whole = f"{own} {message.type} {message.origin}"
    return whole if len(whole) <= 400 else f"sha256:{hashlib.sha256(whole.encode()).hexdigest()}"
