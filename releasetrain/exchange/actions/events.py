"""Verbs of events in: who may send, under which secret and names; trying again and replaying what came."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any

from django.conf import settings
from django.db.models import F

from releasetrain.audit.doorway import Actor, Field, action, explain_constraint
from releasetrain.exchange import sealing, tasks
from releasetrain.exchange.models import EventSource, InboundEvent
from releasetrain.exchange.rules.events import choices
from releasetrain.interface.links import slug_of
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import KEEP
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.tasks import enqueue
from trains.models import Environment, Service

explain_constraint("event_source_name_once", "There is a sender with this name already.")
SHORTEST = 16
State = InboundEvent.State

Secret = Annotated[
    str,
    Field(
        "Secret",
        help=f"The same as at the sender, at least {SHORTEST} characters. Empty: one is made and shown once.",
        max_length=200,
    ),
]
Services = Annotated[
    dict | None,
    Field(
        "Services",
        help='Sender\'s names for ours, e.g. {"acme/payments": "payments-api"}. Equal names need no entry.',
    ),
]
Environments = Annotated[
    dict | None, Field("Environments", help='Sender\'s names for ours, e.g. {"prod-eu": "production"}.')
]


def _checked(secret: str) -> str:
    if secret and len(secret) < SHORTEST:
        refuse(
            "event_source.secret",
            f"A secret has at least {SHORTEST} characters.",
            remedy="Leave it empty to have one made.",
            field="secret",
            status=422,
        )
    return secret or secrets.token_urlsafe(32)


def _names(given: dict[str, Any] | None, field: str, known: set[str]) -> dict[str, str]:
    found = {str(theirs).strip(): str(ours).strip() for theirs, ours in (given or {}).items()}
    strange = sorted(set(found.values()) - known)
    if strange:
        refuse(
            "event_source.names",
            f"We have no {field[:-1]} {strange[0]}.",
            remedy=f"Give the sender's name first, then the name of the {field[:-1]} here.",
            field=field,
            status=422,
        )
    return found


def _take_names(
    source: EventSource, services: dict[str, Any] | None, environments: dict[str, Any] | None
) -> None:
    if services is not None:
        source.services = _names(services, "services", set(Service.objects.values_list("name", flat=True)))
    if environments is not None:
        known = set(Environment.objects.values_list("name", flat=True))
        source.environments = _names(environments, "environments", known)


@action(
    "event_source.create",
    creates=EventSource,
    requires="tokens.manage",
    quiet=("secret",),
    label="Connect a sender",
)
def connect(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", help="E.g. GitHub of payments.", max_length=60)],
    kind: Annotated[str, Field("Kind", choices=choices())],
    secret: Secret = "",
    service: Annotated[Service | None, Field("Service", help="Where the sender names none.")] = None,
    environment: Annotated[
        Environment | None, Field("Environment", help="Where the sender names none.")
    ] = None,
    services: Services = None,
    environments: Environments = None,
) -> dict[str, Any]:
    """Let another system send events; the answer shows the address and, once, the secret."""
    if EventSource.objects.filter(name=name.strip()).exists():
        refuse("event_source.exists", f"There is a sender {name} already.", field="name")
    plain = _checked(secret)
    source = EventSource(
        name=name.strip(),
        kind=kind,
        service=service,
        environment=environment,
        sealed_secret=sealing.seal(plain),
    )
    _take_names(source, services, environments)
    source.save()
    return {"id": str(source.pk), "address": address_of(source), "secret": plain}


def address_of(source: EventSource) -> str:
    """Where the sender sends to."""
    return f"{settings.PUBLIC_URL}/hooks/{slug_of(source.organization_id)}/{source.pk}"


@action(
    "event_source.edit",
    on=EventSource,
    requires="tokens.manage",
    label="Names",
)
def edit_source(
    actor: Actor,
    source: EventSource,
    *,
    service: Annotated[Service | None, Field("Service", help="Where the sender names none.")] = KEEP,
    environment: Annotated[
        Environment | None, Field("Environment", help="Where the sender names none.")
    ] = KEEP,
    services: Services = None,
    environments: Environments = None,
) -> EventSource:
    """Say which services and environments the sender's names mean. Dead letters can be retried afterwards."""
    if service is not KEEP:
        source.service = service
    if environment is not KEEP:
        source.environment = environment
    _take_names(source, services, environments)
    source.save()
    return source


@action(
    "event_source.rotate",
    on=EventSource,
    requires="tokens.manage",
    quiet=("secret",),
    label="New secret",
)
def rotate_secret(
    actor: Actor,
    source: EventSource,
    *,
    secret: Secret = "",
    overlap_hours: Annotated[int, Field("Hours that the earlier secret stays good", min=0, max=720)] = 24,
) -> dict[str, Any]:
    """Give the sender a new secret; the answer shows it once."""
    if source.retired_at:
        refuse("event_source.retired", f"{source} is retired.")
    plain = _checked(secret)
    source.sealed_previous, source.sealed_secret = source.sealed_secret, sealing.seal(plain)
    source.previous_until = now() + timedelta(hours=overlap_hours) if overlap_hours else None
    source.save()
    return {"id": str(source.pk), "address": address_of(source), "secret": plain}


@action(
    "event_source.retire",
    on=EventSource,
    requires="tokens.manage",
    danger=True,
    confirm="Its messages are refused from now on; what it sent stays.",
)
def retire_source(
    actor: Actor, source: EventSource, *, reason: Annotated[str, Field("Reason", long=True)]
) -> EventSource:
    """Take nothing more from this sender."""
    if source.retired_at:
        refuse("event_source.retired", f"{source} is retired already.")
    source.retired_at = now()
    source.save()
    return source


@action("event_source.replay", on=EventSource, requires="imports.run", label="Replay")
def replay_source(
    actor: Actor,
    source: EventSource,
    *,
    since: Annotated[datetime, Field("Received since")],
    until: Annotated[datetime | None, Field("Until", help="Empty: until now.")] = None,
) -> dict[str, int]:
    """Act upon everything that came in this time once more. What is known already stays as it is."""
    rows = source.events.exclude(state=State.RECEIVED).filter(received_at__gte=since)
    return {"events": _again(actor, rows.filter(received_at__lt=until) if until else rows)}


@action("event_source.retry_dead", on=EventSource, requires="imports.run", label="Retry dead letters")
def retry_dead(actor: Actor, source: EventSource) -> dict[str, int]:
    """Try all dead letters of this sender again, for example after its names were completed."""
    return {"events": _again(actor, source.events.filter(state=State.DEAD))}


@action("inbound_event.retry", on=InboundEvent, requires="imports.run", label="Act again")
def retry_event(actor: Actor, event: InboundEvent) -> InboundEvent:
    """Act upon the event once more: a dead letter, or one that was understood differently when it came."""
    if event.state == State.RECEIVED:
        refuse("inbound_event.waits", "It is not yet acted upon.", remedy="It will be, in a moment.")
    _again(actor, InboundEvent.objects.filter(pk=event.pk))
    event.refresh_from_db()
    return event


def _again(actor: Actor, rows: Any) -> int:
    changed: int = rows.update(state=State.RECEIVED, due_at=now(), attempts=0, replays=F("replays") + 1)
    if changed:
        enqueue(tasks.act_on_events, actor.organization_id)
    return changed
