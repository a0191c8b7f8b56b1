"""Verbs of environments' rules and of the queue before them, and what a starting deployment is asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

from governance.gates import count_changes, invalidate
from governance.models import DeploymentTurn, EnvironmentRule
from governance.preflight import FLAG, OFF, PRECONDITIONS, REFUSE, ROLLOUT, preflight
from governance.queries.promotion import FLAGGED, turn_of, waiting_for
from governance.states.promotion import TURN_STATES
from releasetrain.audit import ledger
from releasetrain.audit.doorway import action, explain_constraint
from releasetrain.audit.models import LedgerEntry
from releasetrain.audit.wholesale import Done, effect_of_many
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Refusal, Refused, refuse
from trains.models import Artifact, Booking, Deployment, Environment, Release, Service

_USUAL = ""
_WEIGHT = [
    (_USUAL, "As usual"),
    (REFUSE, "Refuse the start"),
    (FLAG, "Let it start, and put it on record"),
    (OFF, "Do not ask"),
]
_TITLES = {p.name: p for p in PRECONDITIONS}
PLACE_LASTS = timedelta(hours=2)

explain_constraint("turn_waits_once", "This service waits there already.")


def _weight(name: str) -> Field:
    """How the form asks what one precondition weighs."""
    return Field(_TITLES[name].title, help=_TITLES[name].help, choices=_WEIGHT)


@action(
    "environment_rule.set",
    creates=EnvironmentRule,
    requires="trains.manage",
    within="environment",
    label="Set the rules of an environment",
)
def set_environment_rule(
    actor: Actor,
    *,
    environment: Environment,
    reason: Annotated[str, Field("Reason", long=True)],
    tags: Annotated[
        list[EnvironmentRule.Tag],
        Field("Tags", help="staged: high-risk fixes take every stage before; regulated: everything does."),
    ] = [],  # noqa: B006 - read only
    at_once: Annotated[
        int | None, Field("Deployments at once", help="Empty: any number.", min=1, max=200)
    ] = None,
    concurrency: Annotated[str, _weight("concurrency")] = _USUAL,
    staged_path: Annotated[str, _weight("staged_path")] = _USUAL,
    windows: Annotated[str, _weight("windows")] = _USUAL,
    open_problems: Annotated[str, _weight("open_problems")] = _USUAL,
    booking: Annotated[str, _weight("booking")] = _USUAL,
    change_window: Annotated[str, _weight("change_window")] = _USUAL,
    quorum: Annotated[str, _weight("quorum")] = _USUAL,
    maturity: Annotated[str, _weight("maturity")] = _USUAL,
) -> EnvironmentRule:
    """Say what every deployment into an environment is asked, and what happens where the answer is no.

    The whole rule is set at once: what is left out is as usual again. A freeze always refuses.
    """
    given = {
        "concurrency": concurrency,
        "staged_path": staged_path,
        "windows": windows,
        "open_problems": open_problems,
        "booking": booking,
        "change_window": change_window,
        "quorum": quorum,
        "maturity": maturity,
    }
    for name, weight in given.items():
        if weight not in dict(_WEIGHT):
            refuse("rule.weight", f"{_TITLES[name].title}: refuse, flag or off.", field=name)
    rule = EnvironmentRule.objects.select_for_update().filter(environment=environment).first()
    rule = rule or EnvironmentRule(environment=environment)
    rule.tags = sorted({str(tag) for tag in tags})
    rule.at_once = at_once
    rule.preconditions = {name: weight for name, weight in given.items() if weight}
    rule.save()
    invalidate(environment=environment)
    return rule


@action(
    "deployment_turn.request",
    creates=DeploymentTurn,
    requires="deployments.record",
    within="service",
    label="Take a place in the queue",
)
def request_turn(
    actor: Actor,
    *,
    service: Service,
    environment: Environment,
    release: Release | None = None,
) -> DeploymentTurn:
    """Wait for a turn to deploy where only so many deployments run at once.

    Business impact goes first: the tier of the release, else of the service. Asking again gives the same place; it is lost
    after two hours.
    """
    moment = now()
    lapse(environment)
    waiting = DeploymentTurn.objects.filter(
        environment=environment, service=service, release=release, state=DeploymentTurn.State.WAITING
    ).first()
    if waiting is not None:
        return waiting
    turn = DeploymentTurn.objects.create(
        environment=environment,
        service=service,
        release=release,
        impact=release.tier if release else service.tier,
        requested_by_id=actor.user_id,
        requested_at=moment,
        expires_at=moment + PLACE_LASTS,
    )
    invalidate(environment=environment)
    return turn


def lapse(environment: Environment) -> None:
    """Whoever did not start in time has left the queue."""
    late = DeploymentTurn.objects.filter(
        environment=environment, state=DeploymentTurn.State.WAITING, expires_at__lte=now()
    )
    for turn in late.select_for_update(skip_locked=True):
        turn.state = DeploymentTurn.State.LEFT
        turn.save()


@action("deployment_turn.leave", on=DeploymentTurn, requires="deployments.record", machine=TURN_STATES)
def leave_queue(actor: Actor, turn: DeploymentTurn) -> DeploymentTurn:
    """Give the place in the queue up."""
    invalidate(environment=turn.environment_id)
    return turn


@action("deployment_turn.raise", on=DeploymentTurn, requires="releases.manage", label="Change the impact")
def raise_turn(
    actor: Actor,
    turn: DeploymentTurn,
    *,
    impact: Annotated[int, Field("Business impact", help="1 goes first.", min=1, max=4)],
    reason: Annotated[str, Field("Reason", long=True)],
) -> DeploymentTurn:
    """Let somebody go before or behind others, with the reason on record."""
    if turn.state != DeploymentTurn.State.WAITING:
        refuse("turn.over", f"{turn} waits no longer.")
    turn.impact, turn.reason = impact, reason
    turn.save()
    invalidate(environment=turn.environment_id)
    return turn


def refuse_unready_start(actor: Actor, subject: Any, params: dict[str, Any]) -> Refusal | None:
    """Judge the environment's preconditions at this very moment; those that refuse do so here.

    A rollback never waits, and neither does an emergency whose change is approved: both are flagged instead.
    """
    service, environment = params.get("service"), params.get("environment")
    if not _starts(params) or service is None or environment is None or _reported_before(params):
        return None
    if _goes_first(params):
        return None
    rule = EnvironmentRule.objects.filter(environment=environment).select_for_update().first()
    only = (REFUSE,) if rule is not None else ()
    if rule is None:
        return None
    found = preflight(
        service,
        environment,
        release=params.get("release"),
        artifact=_build(params),
        only=only,
    )
    # Trains itself refuses what has no rollout, with or without a rule; it is not said twice.
    refused = [answer for answer in found.refused if answer.precondition.name != ROLLOUT]
    if len(refused) > 1:
        raise Refused(*[answer.refusal() for answer in refused])
    return refused[0].refusal() if refused else None


def flag_start(actor: Actor, deployment: Any, params: dict[str, Any]) -> None:
    """Put on record what the environment wants flagged, and take the turn that the start uses."""
    if not isinstance(deployment, Deployment) or not _starts(params):
        return
    if deployment.state != Deployment.State.RUNNING or _looked_at(deployment):
        return
    environment = deployment.environment
    waiting = waiting_for(environment, now())
    turn = turn_of(waiting, deployment.service, deployment.release)
    if turn is not None:
        turn.state, turn.deployment = DeploymentTurn.State.TAKEN, deployment
        turn.save()
        invalidate(environment=environment)
    rule = EnvironmentRule.objects.filter(environment=environment).first()
    if rule is None:
        return
    only = (FLAG, REFUSE) if _goes_first(params) else (FLAG,)
    found = preflight(
        deployment.service,
        environment,
        release=deployment.release,
        artifact=deployment.artifact,
        only=only,
    )
    short = [a for a in found.answers if not a.holds and a.precondition.name != "concurrency"]
    if short:
        said = [
            {
                "precondition": a.precondition.name,
                "verdict": a.verdict,
                "reason": a.reason,
                "objects": [{"kind": r.kind, "id": r.id, "label": r.label} for r in a.objects],
            }
            for a in short
        ]
        ledger.append(actor, FLAGGED, deployment, {"environment": environment.name, "flags": said})


def room_changed(actor: Actor, about: Any, params: dict[str, Any]) -> None:
    """Where only so many run at once, a start or end is a fact about the environment."""
    limits = EnvironmentRule.objects.filter(at_once__isnull=False)
    if isinstance(about, Deployment) and limits.filter(environment=about.environment_id).exists():
        invalidate(environment=about.environment_id)


def rooms_changed(done: Sequence[Done]) -> None:
    """The same for many: each environment once."""
    environments = {each.about.environment_id for each in done if isinstance(each.about, Deployment)}
    limits = EnvironmentRule.objects.filter(at_once__isnull=False, environment__in=environments)
    count_changes(limits.values_list("environment_id", flat=True))


effect_of_many(room_changed, rooms_changed)


def _starts(params: dict[str, Any]) -> bool:
    return params.get("status") == Deployment.State.RUNNING


def _goes_first(params: dict[str, Any]) -> bool:
    """A rollback, or an emergency in production, which needs its approved change before this is asked."""
    environment = params.get("environment")
    emergency = bool(params.get("emergency")) and environment is not None and environment.is_production
    return emergency or params.get("kind") == Deployment.Kind.ROLLBACK


def _reported_before(params: dict[str, Any]) -> bool:
    """A report about a deployment that is on record already starts nothing."""
    source, external_id = params.get("source", ""), params.get("external_id", "")
    return bool(external_id) and Deployment.objects.filter(source=source, external_id=external_id).exists()


def _looked_at(deployment: Deployment) -> bool:
    """Whether this start was flagged before: the report was repeated."""
    entries = LedgerEntry.objects.filter(subject_kind="deployment", subject_id=str(deployment.pk))
    return entries.filter(organization_id=deployment.organization_id, verb=FLAGGED).exists()


def _build(params: dict[str, Any]) -> Artifact | None:
    """The build that starts, as far as the report names it: by digest, or by its version."""
    rows = Artifact.objects.select_related("service__train")
    if params.get("digest"):
        return rows.filter(digest=params["digest"]).first()
    if params.get("version"):
        return rows.filter(service=params["service"], version=params["version"]).first()
    return None


def booking_changed(actor: Actor, about: Any, params: dict[str, Any]) -> None:
    """Who has booked an environment is a fact about the environment, for every release."""
    if isinstance(about, Booking) and about.resource.environment_id:
        invalidate(environment=about.resource.environment_id)
