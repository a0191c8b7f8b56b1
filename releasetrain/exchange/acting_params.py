"""From what an event says to the parameters of the verb that acts upon it."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from releasetrain.exchange.models import EventSource, InboundEvent
from releasetrain.exchange.rules.events import ArtifactSaid, DeploymentSaid, TestsSaid, kind_of
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Refusal, Refused
from trains.models import Environment, Service


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


def actor_of(event: InboundEvent) -> Actor:
    """Who acts: the sender, by this event."""
    return Actor(
        organization_id=event.organization_id,
        user_id=None,
        name=f"{kind_of(event.source.kind).title}: {event.source}"[:200],
        kind="system",
        route="webhook",
        reason=f"{event.type} {event.event_id}"[:100],
    )


def made_of(found: Any) -> dict[str, str]:
    """What the event's page links to."""
    return {"kind": found._meta.model_name, "id": str(found.pk), "label": str(found)[:200]}


def deployment_params(event: InboundEvent, said: DeploymentSaid, places: Places) -> dict[str, Any]:
    """Of `deployment.record`; the release that it may name is looked up by the caller."""
    return {
        "service": places.service(event.source, said.service),
        "environment": places.environment(event.source, said.environment),
        "status": said.status,
        "version": said.version,
        "commit": said.commit,
        "digest": said.digest,
        "started_at": said.started_at,
        "finished_at": said.finished_at,
        "release": None,
        "kind": said.kind,
        "source": event.source.name[:80],
        "external_id": said.external_id,
        "deployed_by_name": said.by or event.source.name,
        "url": said.url,
    }


def artifact_params(event: InboundEvent, said: ArtifactSaid, places: Places) -> dict[str, Any]:
    """Of `artifact.register`."""
    return {
        "service": places.service(event.source, said.service),
        "digest": said.digest,
        "version": said.version,
        "commit": said.commit,
        "builder": event.source.name,
        "built_at": said.built_at,
    }


def tests_params(event: InboundEvent, said: TestsSaid, digest: str) -> dict[str, Any]:
    """Of `result.post`: the run as a report."""
    suite = Element("testsuite", name=said.suite, tests="1", failures="0" if said.passed else "1")
    case = SubElement(suite, "testcase", name=said.suite, classname=event.origin or event.source.name)
    if not said.passed:
        SubElement(case, "failure", message=said.reason or "The run failed.")
    content = tostring(suite, encoding="utf-8", xml_declaration=True)
    return {
        "digest": digest,
        "file": Upload("run.xml", content, "application/xml"),
        "source": f"{event.source.name}: {said.suite}"[:120],
        "run_url": said.url,
    }
