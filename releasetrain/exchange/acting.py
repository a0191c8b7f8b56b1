"""Acting upon events: what a message says becomes deployments, incidents, artifacts and results by their own verbs.

One transaction takes a batch of due events and acts upon them, each in a savepoint of its own: a worker that dies has
done nothing, and the verbs are idempotent, so that a replay changes nothing either.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from django.db import transaction
from django.db.models import F

from governance.actions.results import post_result
from problems.actions.incidents import record_incident
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
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Refusal, Refused
from releasetrain.tenancy.scope import tenant_scope
from trains.actions.artifacts import register_artifact
from trains.actions.deployments import record_deployment
from trains.actions.failure_drills import record_alert
from trains.actions.feature_flags import report_flag
from trains.models import Environment, FeatureFlag, Release, Service

log = logging.getLogger(__name__)
BATCH = 200
ATTEMPTS = 6
_BACK_OFF = (timedelta(seconds=20), timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1))
State = InboundEvent.State


class Waits(Exception):
    """What the event refers to may still come: it is tried again later."""


def act_on_due(organization_id: uuid.UUID) -> int:
    """Act upon everything that is due; returns how many events that were."""
    done = 0
    while True:
        with tenant_scope(organization_id, Actor.system(organization_id, "events", route="webhook")):
            due = InboundEvent.objects.filter(state=State.RECEIVED, due_at__lte=now())
            rows = list(
                due.select_for_update(skip_locked=True, of=("self",))
                .select_related("source__service", "source__environment")
                .order_by("due_at", "id")[:BATCH]
            )
            places = Places()
            # Most of what pipelines say means nothing here: that costs one write for all of it.
            kept = [event for event in rows if not act(event, places, keep=False)]
            InboundEvent.objects.filter(pk__in=[event.pk for event in kept]).update(
                state=State.KEPT, due_at=None, outcome="", attempts=F("attempts") + 1
            )
        done += len(rows)
        if len(rows) < BATCH:
            return done


def act(event: InboundEvent, places: Places | None = None, *, keep: bool = True) -> bool:
    """Act upon one event and note what came of it; False where it says nothing that is acted upon.

    With `keep=False` the note that such an event is only kept is left to the caller.
    """
    try:
        facts = kind_of(event.source.kind).meaning(reread(event))
    except (Unreadable, ParseError) as error:
        event.attempts += 1
        _settle(event, State.DEAD, str(error))
        return True
    if not facts and not keep:
        return False
    event.attempts += 1
    try:
        with transaction.atomic():
            made, refused = _act(event, facts, places or Places())
    except Waits as error:
        _later(event, str(error))
    except Exception as error:  # ours or the database's: kept, tried again, and shown when it does not pass
        log.exception("inbound event %s failed", event.pk)
        _later(event, f"{type(error).__name__}: {error}")
    else:
        event.made = made
        labels = ", ".join(each["label"] for each in made)
        if refused:
            _settle(event, State.DEAD, " ".join(refused))
        else:
            _settle(event, State.DONE if made else State.KEPT, labels)
    return bool(facts)


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


class Places:
    """Our services and environments by the names that senders use, read once for a batch."""

    def __init__(self) -> None:
        self._services: dict[str, Service] | None = None
        self._environments: dict[str, Environment] | None = None

    def service(self, source: EventSource, name: str) -> Service:
        if self._services is None:
            self._services = {s.name.lower(): s for s in Service.objects.all()}
        if not name and source.service is not None:
            return source.service
        wanted = str(source.services.get(name) or name).lower()
        found = self._services.get(wanted) or self._services.get(wanted.rpartition("/")[2])
        if found is None:
            raise _unknown("service", name, source)
        return found

    def environment(self, source: EventSource, name: str) -> Environment:
        if self._environments is None:
            self._environments = {e.name.lower(): e for e in Environment.objects.all()}
        if not name and source.environment is not None:
            return source.environment
        found = self._environments.get(str(source.environments.get(name) or name).lower())
        if found is None:
            raise _unknown("environment", name, source)
        return found


def _unknown(what: str, name: str, source: EventSource) -> Refused:
    said = (
        f"{source} speaks of the {what} {name!r}, which nobody has here."
        if name
        else f"{source} names no {what}."
    )
    return Refused(
        Refusal(
            f"event.{what}",
            said,
            remedy=f"Say under “Names” of {source} which {what} of ours it is.",
            status=422,
        )
    )


def _act(event: InboundEvent, facts: list[Fact], places: Places) -> tuple[list[dict[str, str]], list[str]]:
    """What was made of the event's facts, and why some were refused: one that is does not keep back the others."""
    kind = kind_of(event.source.kind)
    actor = Actor(
        organization_id=event.organization_id,
        user_id=None,
        name=f"{kind.title}: {event.source}"[:200],
        kind="system",
        route="webhook",
        reason=f"{event.type} {event.event_id}"[:100],
    )
    made, refused = [], []
    for fact in facts:
        try:
            with transaction.atomic():
                found = HANDLERS[type(fact)](actor, event, fact, places)
        except Refused as refusal:
            refused += [each.sentence for each in refusal.refusals]
            continue
        if found is not None:
            made.append({"kind": found._meta.model_name, "id": str(found.pk), "label": str(found)[:200]})
    return made, refused


def _deployment(actor: Actor, event: InboundEvent, said: DeploymentSaid, places: Places) -> Any:
    release = Release.objects.filter(key=said.release).first() if said.release else None
    if said.release and release is None:
        raise Waits(f"There is no release {said.release} yet.")
    return record_deployment(
        actor,
        service=places.service(event.source, said.service),
        environment=places.environment(event.source, said.environment),
        status=said.status,
        version=said.version,
        commit=said.commit,
        digest=said.digest,
        started_at=said.started_at,
        finished_at=said.finished_at,
        release=release,
        kind=said.kind,
        source=event.source.name[:80],
        external_id=said.external_id,
        deployed_by_name=said.by or event.source.name,
        url=said.url,
    )


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
    return register_artifact(
        actor,
        service=places.service(event.source, said.service),
        digest=said.digest,
        version=said.version,
        commit=said.commit,
        builder=event.source.name,
        built_at=said.built_at,
    )


def _tests(actor: Actor, event: InboundEvent, said: TestsSaid, places: Places) -> Any:
    """A run about an artifact that we know becomes a result of it; the chain of events says which that is."""
    digest = said.digest or _digest_in_thread(event, said.thread)
    if not digest:
        return None
    suite = Element("testsuite", name=said.suite, tests="1", failures="0" if said.passed else "1")
    case = SubElement(suite, "testcase", name=said.suite, classname=event.origin or event.source.name)
    if not said.passed:
        SubElement(case, "failure", message=said.reason or "The run failed.")
    return post_result(
        actor,
        digest=digest,
        file=Upload("run.xml", tostring(suite, encoding="utf-8", xml_declaration=True), "application/xml"),
        source=f"{event.source.name}: {said.suite}"[:120],
        run_url=said.url,
    )


def _digest_in_thread(event: InboundEvent, thread: str) -> str:
    """The digest of the artifact that the same chain of events made."""
    if not thread:
        return ""
    kind = kind_of(event.source.kind)
    others = InboundEvent.objects.filter(source=event.source_id, thread=thread).exclude(pk=event.pk)
    for other in others.order_by("-received_at").select_related("source")[:50]:
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
