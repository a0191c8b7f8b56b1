"""Acting upon events: what a message says becomes deployments, incidents, artifacts and results by their own verbs.

One worker acts for an organization, and one transaction takes a batch of due events. What is plain goes at once
(`acting_at_once`), everything else one by one, each in a savepoint of its own: a worker that dies has done nothing, and the
verbs are idempotent, so that a replay changes nothing.
Where acting at once fails, the batch is halved until the event that it fails for is among a few, which go one by one.
"""

from __future__ import annotations

import itertools
import logging
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, connection, transaction

from governance.actions.results import post_result
from problems.actions.incidents import record_incident
from releasetrain.exchange import acting_at_once as at_once
from releasetrain.exchange.acting_params import (
    Places,
    actor_of,
    artifact_params,
    deployment_params,
    made_of,
    tests_params,
)
from releasetrain.exchange.intake import reread
from releasetrain.exchange.models import EventSource, InboundEvent
from releasetrain.exchange.rules.events import (
    AlertSaid,
    ArtifactSaid,
    DeploymentSaid,
    Fact,
    FlagSaid,
    IncidentSaid,
    TestsSaid,
    Unreadable,
    kind_of,
)
from releasetrain.interface.api.parsing import ParseError
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.faults import passes
from releasetrain.tenancy.scope import tenant_scope
from trains.actions.artifacts import register_artifact
from trains.actions.deployments import record_deployment
from trains.actions.failure_drills import record_alert
from trains.actions.feature_flags import report_flag
from trains.models import Artifact, Environment, FeatureFlag, Release

log = logging.getLogger(__name__)
BATCH = 1_000
ATTEMPTS = 6
TRIES = 5
# So few go one by one as soon as they do not go at once.
_FEW = 8
_BACK_OFF = (timedelta(seconds=20), timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1))
State = InboundEvent.State


class Waits(Exception):
    """What the event refers to may still come: it is tried again later."""


def act_on_due(organization_id: uuid.UUID) -> int:
    """Act upon everything that is due, until nothing is; returns how many events that were. One worker at a time."""
    done = 0
    while acted := _next_batch(organization_id):
        done += acted
    return done


def _next_batch(organization_id: uuid.UUID) -> int:
    """Act upon the next events; from the beginning once more where the database ended it for another's sake."""
    for attempt in itertools.count(1):
        try:
            with tenant_scope(organization_id, Actor.system(organization_id, "events", route="webhook")):
                return _act_on_next(organization_id)
        except DatabaseError as error:
            if not passes(error) or attempt == TRIES:
                raise
            log.info("acting upon events gave way to others: %s", error)


def _act_on_next(organization_id: uuid.UUID) -> int:
    """Nothing where another worker is at it: it goes on until nothing is due, and we would only wait for its services."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 7))", [f"events {organization_id}"]
        )
        if not cursor.fetchone()[0]:
            return 0
    due = InboundEvent.objects.filter(state=State.RECEIVED, due_at__lte=now())
    events = list(due.select_for_update(skip_locked=True).order_by("due_at", "id")[:BATCH])
    if events:
        _with_sources(events)
        said, places = at_once.said_by(events), Places()
        at_once.lock_services(events, said, places)
        _act_on(events, said, places)
    return len(events)


def _act_on(events: list[InboundEvent], said: dict[uuid.UUID, list[Fact]], places: Places) -> None:
    """Act upon the events in their order: most of what pipelines say means nothing here, or is said for the first time."""
    left = at_once.act_on_plain(events, said, places)
    if left is None and len(events) > _FEW:
        middle = len(events) // 2
        _act_on(events[:middle], said, places)
        _act_on(events[middle:], said, places)
        return
    for event in events if left is None else left:
        act(event, places)


def _with_sources(events: list[InboundEvent]) -> None:
    """Give the events their senders, each read once: a thousand events come of a few."""
    sources = EventSource.objects.select_related("service", "environment").in_bulk(
        {event.source_id for event in events}
    )
    for event in events:
        event.source = sources[event.source_id]


def act(event: InboundEvent, places: Places | None = None) -> None:
    """Act upon one event and note what came of it."""
    event.attempts += 1
    try:
        facts = kind_of(event.source.kind).meaning(reread(event))
    except (Unreadable, ParseError) as error:
        _settle(event, State.DEAD, str(error))
        return
    try:
        with transaction.atomic():
            made, refused = _act(event, facts, places or Places())
    except Waits as error:
        _later(event, str(error))
    except Exception as error:  # ours or the database's: kept, tried again, and shown when it does not pass
        if passes(error):
            raise
        log.exception("inbound event %s failed", event.pk)
        _later(event, f"{type(error).__name__}: {error}")
    else:
        event.made = made
        labels = ", ".join(each["label"] for each in made)
        if refused:
            _settle(event, State.DEAD, " ".join(refused))
        else:
            _settle(event, State.DONE if made else State.KEPT, labels)


def _settle(event: InboundEvent, state: State, outcome: str) -> None:
    event.state, event.outcome, event.due_at = state, outcome[:500], None
    event.acted_at = now() if state == State.DONE else event.acted_at
    event.save()


def _later(event: InboundEvent, why: str) -> None:
    if event.attempts >= ATTEMPTS:
        _settle(event, State.DEAD, why)
        return
    event.due_at = now() + _BACK_OFF[min(event.attempts, len(_BACK_OFF)) - 1]
    event.outcome = why[:500]
    event.save()


def _act(event: InboundEvent, facts: list[Fact], places: Places) -> tuple[list[dict[str, str]], list[str]]:
    """What was made of the event's facts, and why some were refused: one that is does not keep back the others."""
    actor = actor_of(event)
    made, refused = [], []
    for fact in facts:
        try:
            with transaction.atomic():
                found = HANDLERS[type(fact)](actor, event, fact, places)
        except Refused as refusal:
            refused += [each.sentence for each in refusal.refusals]
            continue
        if found is not None:
            made.append(made_of(found))
    return made, refused


def _deployment(actor: Actor, event: InboundEvent, said: DeploymentSaid, places: Places) -> Any:
    release = Release.objects.filter(key=said.release).first() if said.release else None
    if said.release and release is None:
        raise Waits(f"There is no release {said.release} yet.")
    return record_deployment(actor, **{**deployment_params(event, said, places), "release": release})


def _incident(actor: Actor, event: InboundEvent, said: IncidentSaid, places: Places) -> Any:
    return record_incident(
        actor,
        title=said.title,
        service=places.service(event.source, said.service),
        severity=said.severity,
        detected_at=said.detected_at,
        started_at=said.started_at,
        mitigated_at=said.mitigated_at,
        resolved_at=said.resolved_at,
        impact=said.impact,
        fingerprint=said.fingerprint,
        source=event.source.name[:80],
        external_id=said.external_id,
        url=said.url,
    )


def _artifact(actor: Actor, event: InboundEvent, said: ArtifactSaid, places: Places) -> Any:
    return register_artifact(actor, **artifact_params(event, said, places))


def _tests(actor: Actor, event: InboundEvent, said: TestsSaid, places: Places) -> Any:
    """A run about an artifact that we know becomes a result of it; the chain of events says which that is."""
    digest = said.digest or _digest_in_thread(event, said.thread)
    if not digest:
        return None
    if not Artifact.objects.filter(digest=digest).exists():
        raise Waits("No artifact with this digest is registered yet.")
    return post_result(actor, **tests_params(event, said, digest))


def _digest_in_thread(event: InboundEvent, thread: str) -> str:
    """The digest of the artifact that the same chain of events made."""
    if not thread:
        return ""
    kind = kind_of(event.source.kind)
    others = InboundEvent.objects.filter(source=event.source_id, thread=thread).exclude(pk=event.pk)
    for other in others.order_by("-received_at", "-id").select_related("source")[:50]:
        for fact in kind.meaning(reread(other)):
            if isinstance(fact, ArtifactSaid | DeploymentSaid) and fact.digest:
                return fact.digest
    return ""


def _flag(actor: Actor, event: InboundEvent, said: FlagSaid, places: Places) -> Any:
    """The state of a flag in an environment; one that was removed at its provider is off everywhere."""
    if said.enabled is not None:
        where = [places.environment(event.source, said.environment)]
    else:
        flag = FeatureFlag.objects.filter(name=said.flag, removed_at__isnull=True).first()
        where = list(Environment.objects.filter(pk__in=flag.states)) if flag else []
    found = None
    for environment in where:
        found = report_flag(
            actor,
            name=said.flag,
            environment=environment,
            on=bool(said.enabled),
            variant=said.variant,
            service=event.source.service,
            changed_at=said.at,
            source=event.source.name[:80],
        )
    return found


def _alert(actor: Actor, event: InboundEvent, said: AlertSaid, places: Places) -> Any:
    """An alert as such, by which failure drills are judged; a service that is not known is left out."""
    try:
        service = places.service(event.source, said.service)
    except Refused:
        service = None
    return record_alert(
        actor,
        name=said.name,
        starts_at=said.starts_at,
        fingerprint=said.fingerprint,
        ends_at=said.ends_at,
        service=service,
        labels=said.labels,
        source=event.source.name[:80],
    )


Handler = Callable[[Actor, InboundEvent, Any, Places], Any]
HANDLERS: dict[type[Fact], Handler] = {
    DeploymentSaid: _deployment,
    IncidentSaid: _incident,
    ArtifactSaid: _artifact,
    TestsSaid: _tests,
    FlagSaid: _flag,
    AlertSaid: _alert,
}
