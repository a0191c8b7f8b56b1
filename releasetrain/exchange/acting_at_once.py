"""Acting upon many events at once where they say something plain: a new build, its first test run, a deployment that ended.

It comes to the same as acting one by one, in the order in which the events are due. An event that is not plain is left
to the caller, and with it every later one about the same build or deployment.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from governance.actions import test_runs_at_once
from releasetrain.audit.history import bulk_update_tracked
from releasetrain.audit.wholesale import Act
from releasetrain.exchange.acting_params import (
    Places,
    actor_of,
    artifact_params,
    deployment_params,
    made_of,
    tests_params,
)
from releasetrain.exchange.intake import reread
from releasetrain.exchange.models import InboundEvent
from releasetrain.exchange.rules.events import (
    AlertSaid,
    ArtifactSaid,
    DeploymentSaid,
    Fact,
    IncidentSaid,
    TestsSaid,
    Unreadable,
    kind_of,
)
from releasetrain.interface.api.parsing import ParseError
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.faults import passes
from trains.actions import reports_at_once
from trains.models import Artifact, Service

log = logging.getLogger(__name__)
State = InboundEvent.State
_NOTED = ("state", "outcome", "due_at", "acted_at", "attempts", "made")
# So many of the latest events of a chain are asked for its digest, as one by one.
_OF_CHAIN = 50
_PLAIN = (ArtifactSaid, DeploymentSaid, TestsSaid)


@dataclass(frozen=True)
class _Said:
    """An event with the one fact that it says, and the parameters of the verb that acts upon it."""

    event: InboundEvent
    params: dict[str, Any]

    @property
    def act(self) -> Act:
        return Act(actor_of(self.event), self.params)


def said_by(events: Sequence[InboundEvent]) -> dict[UUID, list[Fact]]:
    """What each event says; events that cannot be read are not among them."""
    return {event.pk: facts for event in events if (facts := _facts(event)) is not None}


def lock_services(events: Sequence[InboundEvent], said: dict[UUID, list[Fact]], places: Places) -> None:
    """Lock the services that are spoken of, in the order in which everybody locks them, before anything is written.

    Whoever else is told of the same build waits here, and not in the middle of what we wait for.
    """
    named = {
        (event.source_id, name): event.source
        for event in events
        for name in _services(said.get(event.pk, ()))
    }
    wanted = set()
    for (_, name), source in named.items():
        with suppress(Refused):
            wanted.add(places.service(source, name).pk)
    if wanted:
        list(
            Service.objects.select_for_update(no_key=True)
            .filter(pk__in=wanted)
            .order_by("pk")
            .values_list("pk")
        )


def _services(facts: Iterable[Fact]) -> Iterator[str]:
    return (
        fact.service
        for fact in facts
        if isinstance(fact, ArtifactSaid | DeploymentSaid | IncidentSaid | AlertSaid)
    )


def act_on_plain(
    events: Sequence[InboundEvent], everything: dict[UUID, list[Fact]], places: Places
) -> list[InboundEvent] | None:
    """Act upon what is plain, and keep what says nothing; returns the others, in their order, untouched.

    None, and all of them are untouched, when it fails for whichever of them.
    """
    said = {event.pk: everything[event.pk] for event in events if event.pk in everything}
    silent = [event for event in events if said.get(event.pk) == []]
    try:
        with transaction.atomic():
            done = _Sorted(events, said, places).perform()
            _note(silent, done)
    except Exception as error:  # whatever it is, it meets fewer among fewer
        if passes(error):
            raise
        log.warning("acting upon %s events at once failed", len(events), exc_info=True)
        _read_again(events)
        return None
    settled = {event.pk for event in silent} | {each.event.pk for each, _ in done}
    return [event for event in events if event.pk not in settled]


def _read_again(events: Sequence[InboundEvent]) -> None:
    """The rows as they are on record: what was noted on them has been rolled back."""
    names = (*_NOTED, "row_version")
    kept = InboundEvent.objects.only(*names).in_bulk([event.pk for event in events])
    for event in events:
        for name in names:
            setattr(event, name, getattr(kept[event.pk], name))


def _facts(event: InboundEvent) -> list[Fact] | None:
    try:
        return kind_of(event.source.kind).meaning(reread(event))
    except (Unreadable, ParseError):
        return None


def _note(silent: list[InboundEvent], done: list[tuple[_Said, Any]]) -> None:
    """What came of the events, in one write."""
    moment = now()
    for event in silent:
        event.attempts += 1
        event.state, event.due_at, event.outcome = State.KEPT, None, ""
    for each, made in done:
        event = each.event
        event.attempts += 1
        event.made = [made_of(made)]
        event.state, event.due_at, event.acted_at = State.DONE, None, moment
        event.outcome = event.made[0]["label"]
    bulk_update_tracked([*silent, *(each.event for each, _ in done)], _NOTED)


class _Sorted:
    """The events sorted into what can be done at once and what is left, by one walk in their order."""

    def __init__(self, events: Sequence[InboundEvent], said: dict[UUID, list[Fact]], places: Places):
        self.places = places
        self.builds: list[_Said] = []
        self.runs: list[_Said] = []
        self.deployments: list[_Said] = []
        # Names of builds and deployments that an event which is left is about: what follows about them is left too.
        self.left: set[Any] = set()
        facts = [fact for each in said.values() for fact in each]
        self.chains = _digests_of_chains(events, said)
        digests = {f.digest for f in facts if isinstance(f, _PLAIN) and f.digest} | set(self.chains.values())
        self.artifacts = {
            a.digest: a for a in Artifact.objects.filter(digest__in=digests).select_related("service")
        }
        self.taken = reports_at_once.names_on_record(
            versions={f.version for f in facts if isinstance(f, ArtifactSaid | DeploymentSaid) and f.version},
            external_ids={f.external_id for f in facts if isinstance(f, DeploymentSaid)},
        )
        self.tested = test_runs_at_once.tested(a.pk for a in self.artifacts.values())
        for event in events:
            for fact in said.get(event.pk, ()):
                self._sort(event, fact, alone=len(said[event.pk]) == 1)

    def perform(self) -> list[tuple[_Said, Any]]:
        """Builds first, since runs and deployments are of them."""
        made = reports_at_once.register_many([each.act for each in self.builds], self.artifacts)
        ran = test_runs_at_once.post_many([each.act for each in self.runs], self.artifacts)
        went = reports_at_once.record_many_ended([each.act for each in self.deployments], self.artifacts)
        return [
            *zip(self.builds, made, strict=True),
            *zip(self.runs, ran, strict=True),
            *zip(self.deployments, went, strict=True),
        ]

    def _sort(self, event: InboundEvent, fact: Fact, *, alone: bool) -> None:
        if not isinstance(fact, _PLAIN):
            return
        names: set[Any] = {fact.digest} if fact.digest else set()
        plain = False
        try:
            match fact:
                case ArtifactSaid():
                    params = artifact_params(event, fact, self.places)
                    names |= reports_at_once.version_name(params)
                    plain = self._new_build(params, names)
                    pile = self.builds
                case DeploymentSaid():
                    params = deployment_params(event, fact, self.places)
                    names |= reports_at_once.version_name(params) | reports_at_once.report_name(params)
                    plain = not fact.release and self._new_deployment(params)
                    pile = self.deployments
                case TestsSaid():
                    digest = fact.digest or self.chains.get(event.pk, "")
                    names = {digest} if digest else set()
                    params = tests_params(event, fact, digest)
                    plain = self._first_run(params)
                    pile = self.runs
        except Refused:
            pass
        if not (alone and plain) or names & self.left:
            self.left |= names
            return
        pile.append(_Said(event, params))
        self._take(fact, params)

    def _new_build(self, params: dict[str, Any], names: set[Any]) -> bool:
        return (
            reports_at_once.is_digest(params["digest"])
            and params["digest"] not in self.artifacts
            and not names & self.taken
        )

    def _new_deployment(self, params: dict[str, Any]) -> bool:
        """The first report of a deployment that has ended, of no build or of one that it agrees with."""
        if not reports_at_once.is_plain_end(params) or reports_at_once.report_name(params) & self.taken:
            return False
        build = self.artifacts.get(params["digest"])
        if build is None:
            return not params["digest"]
        agrees = not (params["version"] and build.version) or params["version"] == build.version
        return build.service_id == params["service"].pk and agrees

    def _first_run(self, params: dict[str, Any]) -> bool:
        build = self.artifacts.get(params["digest"])
        return (
            build is not None
            and build.pk not in self.tested
            and test_runs_at_once.is_plain(params["file"].content)
        )

    def _take(self, fact: Fact, params: dict[str, Any]) -> None:
        """What the event will have made is on record for those after it."""
        match fact:
            case ArtifactSaid():
                self.artifacts[params["digest"]] = reports_at_once.build_of(params)
                self.taken |= reports_at_once.version_name(params)
            case DeploymentSaid():
                self.taken |= reports_at_once.report_name(params)
            case TestsSaid():
                self.tested.add(self.artifacts[params["digest"]].pk)


def _digests_of_chains(events: Sequence[InboundEvent], said: dict[UUID, list[Fact]]) -> dict[UUID, str]:
    """For each test run without a digest that of the build which the same chain of events speaks of."""
    asking = [
        event
        for event in events
        if any(isinstance(f, TestsSaid) and f.thread and not f.digest for f in said.get(event.pk, ()))
    ]
    if not asking:
        return {}
    rows = InboundEvent.objects.filter(
        source__in={event.source_id for event in asking}, thread__in={event.thread for event in asking}
    )
    chains: dict[tuple[UUID, str], list[UUID]] = {}
    for pk, source, thread in rows.order_by("-received_at", "-id").values_list("pk", "source_id", "thread"):
        chains.setdefault((source, thread), []).append(pk)
    others = {pk for chain in chains.values() for pk in chain[: _OF_CHAIN + 1]} - set(said)
    told = dict(said)
    for other in InboundEvent.objects.filter(pk__in=others).select_related("source"):
        told[other.pk] = _facts(other) or []
    found = {}
    for event in asking:
        chain = [pk for pk in chains.get((event.source_id, event.thread), ()) if pk != event.pk][:_OF_CHAIN]
        digests = (
            fact.digest
            for pk in chain
            for fact in told.get(pk, ())
            if isinstance(fact, ArtifactSaid | DeploymentSaid) and fact.digest
        )
        found[event.pk] = next(digests, "")
    return {pk: digest for pk, digest in found.items() if digest}
