"""Preflight: may this service be deployed to this environment now? One answer about every precondition.

Each precondition is a check of the registry, judged at the moment of asking and never from an earlier verdict: a freeze
that began after a pipeline was created is seen when the deployment starts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from governance.actions.following import change_of
from governance.checks import registry
from governance.checks.context import CheckContext
from governance.checks.registry import Outcome, failed, passed, pending
from governance.checks.runner import run_checks
from governance.models import ChangeRequest, EnvironmentRule, Gate
from governance.queries.changes import tally
from governance.queries.promotion import rule_of
from governance.queries.subjects import subject_of
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref, Refusal
from releasetrain.tenancy.scope import require_scope
from trains.models import Artifact, Environment, Release, Rollout, Service
from trains.queries.rollouts import marked_items

REFUSE, FLAG, OFF = "refuse", "flag", "off"
WEIGHTS = (REFUSE, FLAG, OFF)
# Refused in trains, with or without a rule of the environment: preflight says so before.
ROLLOUT = "rollout"


@dataclass(frozen=True)
class Precondition:
    """One question before a start: the kind of check that answers it, and what its answer usually weighs."""

    name: str
    title: str
    kind: str
    parameters: tuple[tuple[str, Any], ...]
    in_production: str
    elsewhere: str
    help: str


PRECONDITIONS: tuple[Precondition, ...] = (
    Precondition(
        "freeze",
        "No freeze",
        "freeze",
        (),
        REFUSE,
        REFUSE,
        "Read again at the start, not when the pipeline was made.",
    ),
    Precondition(
        "concurrency",
        "Room for a deployment",
        "concurrency",
        (),
        REFUSE,
        REFUSE,
        "The limit and queue of the environment.",
    ),
    Precondition(
        "staged_path",
        "Staged path",
        "staged-path",
        (),
        REFUSE,
        REFUSE,
        "What the environment's tags ask for.",
    ),
    Precondition(
        ROLLOUT,
        "Rollout under way",
        "",
        (),
        REFUSE,
        OFF,
        "What carries the canary marker starts in production under a rollout on a staged path; this cannot be switched off.",
    ),
    Precondition(
        "windows",
        "Maintenance and deployment windows",
        "service-windows",
        (),
        REFUSE,
        REFUSE,
        "No maintenance of the environment now; services with windows of their own are in one.",
    ),
    Precondition(
        "open_problems",
        "Open problems",
        "open-problems",
        (("severity", 2), ("known_errors", False)),
        FLAG,
        OFF,
        "Problems of the service of severity 1 or 2 without a workaround.",
    ),
    Precondition(
        "booking",
        "Booking",
        "environment-booked",
        (("own", False),),
        FLAG,
        FLAG,
        "Nobody else has booked it.",
    ),
    Precondition(
        "change_window", "Change window", "", (), FLAG, OFF, "Now lies in the approved window of the change."
    ),
    Precondition(
        "quorum", "Change approved with quorum", "", (), FLAG, OFF, "The change stands approved by its board."
    ),
    Precondition(
        "maturity",
        "Stage before passed",
        "lower-stage",
        (("every", False), ("deployed", True)),
        OFF,
        OFF,
        "The checks of the stage below are passed.",
    ),
)


@dataclass(frozen=True)
class Answer:
    """How one precondition stands."""

    precondition: Precondition
    weight: str
    verdict: str
    reason: str
    remedy: str
    objects: tuple[Ref, ...]

    @property
    def holds(self) -> bool:
        return self.verdict == "pass"

    def refusal(self) -> Refusal:
        """The answer as a refusal of the start; it names the first object in the way."""
        frozen = self.precondition.name == "freeze"
        return Refusal(
            "deployment.frozen" if frozen else f"preflight.{self.precondition.name}",
            self.reason,
            self.remedy,
            self.objects[0] if self.objects else None,
            status=423 if frozen else 409,
        )


@dataclass(frozen=True)
class Preflight:
    """The whole answer."""

    service: Service
    environment: Environment
    release: Release | None
    change: ChangeRequest | None
    at: datetime
    answers: tuple[Answer, ...]

    @property
    def refused(self) -> list[Answer]:
        return [a for a in self.answers if a.weight == REFUSE and not a.holds]

    @property
    def flagged(self) -> list[Answer]:
        return [a for a in self.answers if a.weight == FLAG and not a.holds]

    @property
    def ready(self) -> bool:
        """Whether nothing that weighs stands in the way."""
        return not self.refused


def weights(environment: Environment, rule: EnvironmentRule | None) -> dict[str, str]:
    """What each precondition weighs there: the environment's own word, or the usual one."""
    own = rule.preconditions if rule else {}
    usual = {p.name: p.in_production if environment.is_production else p.elsewhere for p in PRECONDITIONS}
    return {name: own[name] if own.get(name) in WEIGHTS else usual[name] for name in usual}


def preflight(
    service: Service,
    environment: Environment,
    *,
    release: Release | None = None,
    artifact: Artifact | None = None,
    change: ChangeRequest | None = None,
    only: Iterable[str] = WEIGHTS,
    at: datetime | None = None,
) -> Preflight:
    """Judge every precondition now; `only` leaves out those of other weights."""
    moment = at or now()
    if change is not None and release is None:
        release = change.release
    if change is None:
        change = _carrying(service, environment, release)
    rule = rule_of(environment)
    wanted = set(only)
    listed = [(p, weight) for p in PRECONDITIONS if (weight := weights(environment, rule)[p.name]) in wanted]
    found = _judge(
        [p for p, _ in listed if p.kind], _context(service, environment, release, artifact, moment)
    )
    answers = []
    for precondition, weight in listed:
        if precondition.kind:
            record = found[precondition.name]
            objects = tuple(Ref(**ref) for ref in record["evidence"]) or (Ref.of(environment),)
            said = (record["verdict"], record["reason"], record["remedy"], objects)
        else:
            outcome = (
                _rollout(service, environment, release)
                if precondition.name == ROLLOUT
                else _of_change(precondition.name, change, moment)
            )
            objects = outcome.evidence or (Ref.of(release or service),)
            said = (outcome.verdict, outcome.reason, outcome.remedy, objects)
        answers.append(Answer(precondition, weight, *said))
    return Preflight(service, environment, release, change, moment, tuple(answers))


def _judge(preconditions: list[Precondition], context: CheckContext) -> dict[str, dict[str, Any]]:
    specs = [
        {
            "kind": p.kind,
            "name": p.name,
            "parameters": dict(p.parameters),
            "max_age_hours": kind.max_age_hours if (kind := registry.find(p.kind)) else 1,
        }
        for p in preconditions
    ]
    return {record["name"]: record for record in run_checks(specs, context, [])}


def _context(
    service: Service,
    environment: Environment,
    release: Release | None,
    artifact: Artifact | None,
    at: datetime,
) -> CheckContext:
    """The service's own part of the release: its builds only, so that one start is judged for what it brings."""
    builds: tuple[Artifact, ...] = ()
    if artifact is not None:
        builds = (artifact,)
    elif release is not None:
        builds = tuple(a for a in subject_of(release, None).artifacts if a.service_id == service.pk)
    return CheckContext(
        organization_id=require_scope().organization_id,
        gate=Gate(environment=environment, name="preflight"),
        environment=environment,
        release=release,
        artifacts=builds,
        services=(service,),
        at=at,
        max_age=timedelta(hours=1),
    )


def _carrying(service: Service, environment: Environment, release: Release | None) -> ChangeRequest | None:
    """The change that covers the start: the release's, or one for this very service."""
    if release is not None:
        return change_of(release)
    states = ChangeRequest.State
    dead = (states.CANCELLED, states.REJECTED, states.COMPLETED, states.CLOSED)
    rows = ChangeRequest.objects.filter(service=service, release__isnull=True).exclude(state__in=dead)
    rows = rows.filter(environment=environment) | rows.filter(environment__isnull=True)
    return rows.order_by("-created_at").first()


def _rollout(service: Service, environment: Environment, release: Release | None) -> Outcome:
    """Whether a release that is obliged to a staged path has the rollout that the start belongs to."""
    marked = marked_items(release) if release is not None and environment.is_production else []
    if release is None or not marked:
        return passed("Nothing that it brings carries the canary marker.")
    rows = Rollout.objects.filter(release=release, service=service, environment=environment)
    rollout = rows.exclude(state=Rollout.State.CANCELLED).order_by("-created_at").first()
    if rollout is not None and rollout.state in (Rollout.State.RUNNING, Rollout.State.HELD):
        return passed(f"{rollout} is under way.", evidence=[rollout])
    why = f" ({marked[0].canary_reason.rstrip('.')})" if marked[0].canary_reason else ""
    needs = f"{release} needs a staged path to {environment}: {marked[0]} carries the canary marker{why}."
    if rollout is not None and rollout.state == Rollout.State.PLANNED:
        return failed(
            f"{needs} {rollout.key} is planned and has not begun.",
            f"Start {rollout.key}; the deployment belongs to it.",
            evidence=[rollout],
        )
    return failed(
        f"{needs} No rollout of {service} is under way.",
        f"Plan a rollout of {service} on a staged path and start it; the deployment belongs to it.",
        evidence=marked,
    )


def _of_change(name: str, change: ChangeRequest | None, at: datetime) -> Outcome:
    if change is None:
        return pending("No change request covers this.", "Write a change request and have it approved.")
    return _window(change, at) if name == "change_window" else _quorum(change)


def _window(change: ChangeRequest, at: datetime) -> Outcome:
    if change.window_starts is None or change.window_ends is None:
        return pending(
            f"{change.key} has no window.", "Set the window on the change request.", evidence=[change]
        )
    window = f"{change.window_starts:%d %b %H:%M} to {change.window_ends:%d %b %H:%M} UTC"
    if at < change.window_starts:
        return pending(
            f"The window of {change.key} is not open yet: {window}.",
            "Start in the window.",
            evidence=[change],
        )
    if at >= change.window_ends:
        return failed(
            f"The window of {change.key} is over: {window}.", "Agree a new window.", evidence=[change]
        )
    return passed(f"The window of {change.key} is open: {window}.", evidence=[change])


def _quorum(change: ChangeRequest) -> Outcome:
    if change.stands:
        return passed(f"{change.key} stands approved at revision {change.revision}.", evidence=[change])
    votes = tally(change)
    return pending(
        f"{change.key} is {change.get_state_display().lower()}: {votes.cast} of {votes.quorum} votes at revision {change.revision}.",
        f"{change.board} decides on {change.key}.",
        evidence=[change],
    )
