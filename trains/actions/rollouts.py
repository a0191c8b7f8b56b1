"""Verbs of rollouts: planned, started, led on, held, taken back; and the commands to the platform with their answers.

What a rollout does by itself are verbs too, of the system only: each decides anew under the lock of its row, so that
a round that comes twice, or a worker that died in between, neither repeats a command nor loses one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

from releasetrain.audit.doorway import (
    Actor,
    Field,
    Ref,
    Refusal,
    Refused,
    action,
    explain_constraint,
    register_effect,
    register_guard,
)
from releasetrain.audit.wholesale import Done, effect_of_many
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import (
    CanaryAnalysis,
    Deployment,
    Environment,
    Release,
    Rollout,
    RolloutCommand,
    Service,
    StagedPath,
)
from trains.ports import blockers_of, refused_authority
from trains.queries import rollouts as queries
from trains.queries.deployments import current_versions, undoing_now, version_running
from trains.rules.canary import Verdict
from trains.rules.rollouts import Act
from trains.states_delivery import ROLLOUT_STATES

from .deployments import finish_deployment, refuse_start, roll_back_deployment

State, HeldBy = Rollout.State, Rollout.HeldBy
Command = RolloutCommand
Awaiting = RolloutCommand.State.AWAITING

explain_constraint(
    "rollout_one_at_a_time", "Another rollout of this service is under way in this environment."
)
explain_constraint("rollout_command_one_awaits", "A command is on its way already.")

Reason = Annotated[str, Field("Reason", long=True)]


def _paths(actor: Actor, subject: Any) -> Any:
    return StagedPath.objects.filter(retired_at__isnull=True)


@action("rollout.plan", creates=Rollout, requires="releases.manage", within="service", label="Plan a rollout")
def plan_rollout(
    actor: Actor,
    *,
    service: Annotated[Service, Field("Service")],
    environment: Annotated[Environment, Field("Environment")],
    path: Annotated[StagedPath, Field("Staged path", rows=_paths)],
    release: Annotated[Release | None, Field("Release")] = None,
    version: Annotated[str, Field("Version", help="Empty: of the release's build.", max_length=120)] = "",
) -> Rollout:
    """Plan to bring a version of a service into an environment step by step."""
    if path.retired_at:
        refuse("staged_path.retired", f"{path} was retired.", blocked_by=Ref.of(path), field="path")
    if path.service_id and path.service_id != service.pk:
        refuse("rollout.path", f"{path} is a path of {path.service}.", field="path")
    carried = (
        release.artifacts.filter(service=service).select_related("artifact").first() if release else None
    )
    if release is not None and carried is None:
        refuse(
            "rollout.not_carried",
            f"{release} carries no build of {service}.",
            remedy="Attach the artifact first.",
            blocked_by=Ref.of(release),
            field="service",
        )
    found = version.strip() or (carried.artifact.version if carried else "")
    if carried and version.strip() and version.strip() != carried.artifact.version:
        refuse(
            "rollout.version",
            f"{release} carries {service} {carried.artifact.version}, not {version.strip()}.",
            field="version",
        )
    if not found:
        refuse("rollout.version", "Say which version is rolled out.", field="version")
    return Rollout.objects.create(
        release=release,
        service=service,
        environment=environment,
        path=path,
        artifact=carried.artifact if carried else None,
        version=found,
        steps=path.steps,
        config=path.config,
        canary_labels=path.canary_labels,
        baseline_labels=path.baseline_labels,
        auto_advance=path.auto_advance,
        confirm_minutes=path.confirm_minutes,
    )


@action(
    "rollout.start",
    on=Rollout,
    requires="releases.manage",
    machine=ROLLOUT_STATES,
    confirm="The platform is told to send the first share of traffic to the new version.",
)
def start_rollout(actor: Actor, rollout: Rollout) -> Rollout:
    """Begin: the first command goes to the platform."""
    if not rollout.steps:
        refuse("rollout.no_steps", f"{rollout} has no steps.", remedy="Plan it anew on a path with steps.")
    # One at a time per service, so that two rollouts never shift the same traffic.
    service = Service.objects.select_for_update(no_key=True).get(pk=rollout.service_id)
    release = (
        Release.objects.select_related("train").get(pk=rollout.release_id) if rollout.release_id else None
    )
    refuse_start(service, rollout.environment, release, now())
    _nothing_in_the_way(rollout)
    other = queries.under_way().filter(service=service, environment=rollout.environment_id).first()
    if other:
        refuse(
            "rollout.another", f"{other} is under way.", remedy="Wait for its end.", blocked_by=Ref.of(other)
        )
    running = current_versions(services=[service.pk]).get(service.pk, {}).get(rollout.environment_id)
    rollout.baseline_version = version_running(running) if running else ""
    rollout.auto_roll_back, rollout.reason = _authority(rollout)
    rollout.started_at, rollout.step = now(), 1
    _send(actor, rollout, Command.Act.SHIFT)
    return rollout


def _authority(rollout: Rollout) -> tuple[bool, str]:
    """Whether a failed analysis may go back by itself, and if not, why."""
    path = StagedPath.objects.get(pk=rollout.path_id)
    if path.authorised_by_id is None:
        return False, f"Nobody authorised {path} to go back by itself: a failed analysis holds the rollout."
    why = refused_authority(path.authorised_by_id, rollout.service, rollout.environment)
    return not why, why


def _nothing_in_the_way(rollout: Rollout) -> None:
    found = blockers_of(rollout)
    if found:
        refuse(
            "rollout.blocked",
            " ".join(b.sentence for b in found[:5]),
            remedy="Settle what stands in the way; the rollout halts as long as it does.",
            blocked_by=Ref.of(found[0].about) if found[0].about is not None else None,
        )


# -- commands


def _send(actor: Actor, rollout: Rollout, act: str) -> None:
    """Send the command that brings the present step about, or that takes everything back. One awaits at a time."""
    steps = rollout.steps
    weight = steps[rollout.step - 1]["weight"] if act == Command.Act.SHIFT else 0
    rollout.step_began_at = None
    system = Actor.system(actor.organization_id, f"rollout {rollout.key}")
    issue_command(
        system,
        rollout=rollout,
        act=act,
        step=rollout.step,
        weight=weight,
        service=rollout.service.name,
        environment=rollout.environment.name,
        version=rollout.version,
    )


@action(
    "rollout_command.issue", creates=RolloutCommand, requires="releases.manage", within="rollout", hidden=True
)
def issue_command(
    actor: Actor,
    *,
    rollout: Rollout,
    act: Annotated[str, Field("Command", max_length=10)],
    step: Annotated[int, Field("Step", min=0, max=100)],
    weight: Annotated[int, Field("Traffic in percent", min=0, max=100)],
    service: Annotated[str, Field("Service", max_length=120)] = "",
    environment: Annotated[str, Field("Environment", max_length=80)] = "",
    version: Annotated[str, Field("Version", max_length=120)] = "",
) -> RolloutCommand:
    """Tell the platform to shift traffic. Webhooks carry it; the platform confirms it. The product does this by itself."""
    _system_only(actor)
    moment = now()
    last = rollout.commands.order_by("-number").values_list("number", flat=True).first() or 0
    return RolloutCommand.objects.create(
        rollout=rollout,
        number=last + 1,
        act=act,
        step=step,
        weight=weight,
        issued_at=moment,
        due_at=moment + timedelta(minutes=rollout.confirm_minutes),
    )


@action("rollout_command.resend", on=RolloutCommand, requires="releases.manage", lock=False)
def resend_command(actor: Actor, command: RolloutCommand) -> RolloutCommand:
    """Tell the platform again; its id tells it that this is the same command."""
    _locked(command)
    if command.state != Awaiting:
        refuse("rollout_command.answered", f"{command} is {command.get_state_display().lower()}.")
    command.sent_times += 1
    command.due_at = now() + timedelta(minutes=command.rollout.confirm_minutes)
    command.save()
    return command


def _locked(command: RolloutCommand) -> Rollout:
    """The rollout first, then its command: in this order everybody locks them."""
    rollout = Rollout.objects.select_for_update(of=("self",)).get(pk=command.rollout_id)
    command.refresh_from_db()
    command.rollout = rollout
    return rollout


def _answered(actor: Actor, command: RolloutCommand, state: str, answer: str) -> None:
    if command.state != Awaiting:
        newer = command.rollout.commands.order_by("-number").first()
        refuse(
            "rollout_command.answered",
            f"{command} is {command.get_state_display().lower()}.",
            remedy=f"The latest command is {newer}." if newer and newer.pk != command.pk else "",
            blocked_by=Ref.of(command.rollout),
        )
    command.state, command.answer = state, answer.strip()
    command.answered_at, command.answered_by = now(), actor.name[:200]
    command.save()


@action("rollout_command.confirm", on=RolloutCommand, requires="deployments.record", lock=False)
def confirm_command(
    actor: Actor,
    command: RolloutCommand,
    *,
    note: Annotated[str, Field("Note", max_length=500)] = "",
) -> RolloutCommand:
    """Say that the platform did it. From now on the step bakes. The same confirmation again changes nothing."""
    rollout = _locked(command)
    if command.state == Command.State.CONFIRMED:
        return command
    _answered(actor, command, Command.State.CONFIRMED, note)
    rollout.weight = command.weight
    if command.act == Command.Act.ROLL_BACK:
        _is_back(actor, rollout)
    else:
        rollout.step_began_at = command.answered_at
    rollout.save()
    return command


def _is_back(actor: Actor, rollout: Rollout) -> None:
    """All traffic is on the version that ran before: the rollback that was put on record has ended."""
    rollout.state, rollout.held_by, rollout.finished_at = State.ROLLED_BACK, "", now()
    rows = Deployment.objects.filter(rolls_back=rollout.deployment_id, kind=Deployment.Kind.ROLLBACK)
    rollback = rows.filter(outcome=Deployment.State.RUNNING).first() if rollout.deployment_id else None
    if rollback:
        system = Actor.system(actor.organization_id, f"{rollout.key} is back")
        finish_deployment(system, rollback, status=Deployment.State.SUCCEEDED)


@action("rollout_command.refuse", on=RolloutCommand, requires="deployments.record", lock=False, danger=True)
def refuse_command(actor: Actor, command: RolloutCommand, *, reason: Reason) -> RolloutCommand:
    """Say that the platform could not do it: the rollout is held for a person."""
    rollout = _locked(command)
    _answered(actor, command, Command.State.REFUSED, reason[:500])
    rollout.state, rollout.held_by = State.HELD, HeldBy.COMMAND
    rollout.reason = f"The platform refused {command}: {reason.strip()[:500]}"
    rollout.save()
    return command


# -- by a person


@action("rollout.hold", on=Rollout, requires="releases.manage", machine=ROLLOUT_STATES)
def hold(actor: Actor, rollout: Rollout, *, reason: Reason) -> Rollout:
    """Stay at this step until somebody leads on."""
    rollout.held_by, rollout.reason = HeldBy.PERSON, reason.strip()
    return rollout


@action("rollout.resume", on=Rollout, requires="releases.manage", machine=ROLLOUT_STATES)
def resume(actor: Actor, rollout: Rollout, *, reason: Reason) -> Rollout:
    """Go on from here: the step bakes anew, and only what is measured from now on is judged.

    Where the platform did not answer, it is told again; where it refused, it gets a new command.
    """
    _nothing_in_the_way(rollout)
    command = queries.awaiting(rollout)
    last = rollout.commands.order_by("-number").first()
    backwards = bool(last and last.act == Command.Act.ROLL_BACK)
    if command:
        resend_command(Actor.system(actor.organization_id, f"rollout {rollout.key}"), command)
    elif last and last.state == Command.State.REFUSED:
        _send(actor, rollout, last.act)
    else:
        rollout.step_began_at = now()
    rollout.held_by, rollout.reason = "", reason.strip()
    rollout.state = State.ROLLING_BACK if backwards else State.RUNNING
    rollout.save()
    return rollout


@action("rollout.advance", on=Rollout, requires="releases.manage", machine=ROLLOUT_STATES)
def advance(actor: Actor, rollout: Rollout, *, reason: Reason) -> Rollout:
    """Lead on to the next step by a person's decision, before the bake time is over or where the analysis holds it."""
    _nothing_in_the_way(rollout)
    if queries.awaiting(rollout):
        refuse("rollout.awaiting", "The platform has to answer the last command first.")
    if queries.worst(queries.analyses_at(rollout, rollout.step)) is Verdict.FAIL:
        refuse(
            "rollout.failed",
            "The analysis of this step failed: nothing leads on from here.",
            remedy="Roll back, or resume so that the step bakes anew.",
        )
    if rollout.step_began_at is None:
        refuse("rollout.unconfirmed", "The platform did not confirm this step.", remedy="Resume the rollout.")
    rollout.reason, rollout.held_by = reason.strip(), ""
    if rollout.step >= len(rollout.steps):
        _complete(actor, rollout)
    else:
        rollout.state, rollout.step = State.RUNNING, rollout.step + 1
        _send(actor, rollout, Command.Act.SHIFT)
    rollout.save()
    return rollout


@action(
    "rollout.roll_back",
    on=Rollout,
    requires="deployments.rollback",
    machine=ROLLOUT_STATES,
    danger=True,
    confirm="The platform is told to send all traffic back to the version that ran before.",
)
def roll_back(actor: Actor, rollout: Rollout, *, reason: Reason) -> Rollout:
    """Order the rollback: all traffic goes back to the version that ran before."""
    _take_back(actor, rollout, reason.strip())
    return rollout


def _take_back(actor: Actor, rollout: Rollout, why: str) -> None:
    """Supersede what was on its way, put the rollback on record as a deployment, and tell the platform."""
    for command in rollout.commands.select_for_update(of=("self",)).filter(state=Awaiting):
        command.state = Command.State.SUPERSEDED
        command.save()
    rollout.reason, rollout.held_by = why, ""
    deployment = rollout.deployment
    current = undoing_now(rollout.service_id, rollout.environment_id).undoes if deployment else None
    if deployment and current and current.pk == deployment.pk and not _going_back(deployment):
        try:
            roll_back_deployment(actor, deployment, reason=why)
        except Refused as refused:
            if refused.refusals[0].code != "rollback.nothing_before":
                raise
            rollout.reason = f"{why} {refused.refusals[0].sentence}"
    _send(actor, rollout, Command.Act.ROLL_BACK)


def _going_back(deployment: Deployment) -> bool:
    """Whether its rollback is on record and has not ended."""
    return deployment.rolled_back_by.filter(outcome=Deployment.State.RUNNING).exists()


@action("rollout.cancel", on=Rollout, requires="releases.manage", machine=ROLLOUT_STATES, danger=True)
def cancel(actor: Actor, rollout: Rollout, *, reason: Reason) -> Rollout:
    """Withdraw a rollout that has not begun."""
    rollout.reason = reason.strip()
    return rollout


# -- by itself


def _system_only(actor: Actor) -> None:
    if actor.kind != "system":
        refuse("rollout.by_itself", "The product does this by itself.", status=403)


def _decided(actor: Actor, rollout: Rollout, act: Act) -> Any:
    """The decision under the lock; refuses where it is another one by now."""
    _system_only(actor)
    decision = queries.next_act(rollout)
    if decision.act is not act:
        refuse("rollout.otherwise", f"{rollout} does something else now: {decision.why}")
    rollout.reason = decision.why
    return decision


_OWN: dict[str, Any] = {
    "on": Rollout,
    "requires": "releases.manage",
    "machine": ROLLOUT_STATES,
    "hidden": True,
}


@action("rollout.step_up", **_OWN)
def step_up(actor: Actor, rollout: Rollout) -> Rollout:
    """The step has passed: the next share of traffic is moved. The product does this by itself."""
    _decided(actor, rollout, Act.ADVANCE)
    rollout.step += 1
    _send(actor, rollout, Command.Act.SHIFT)
    rollout.save()
    return rollout


@action("rollout.halt", **_OWN)
def halt(actor: Actor, rollout: Rollout) -> Rollout:
    """Something stands in the way, is not known, or failed: the rollout stays. The product does this by itself."""
    decision = _decided(actor, rollout, Act.HOLD)
    rollout.held_by = decision.held_by
    return rollout


@action("rollout.go_on", **_OWN)
def go_on(actor: Actor, rollout: Rollout) -> Rollout:
    """What held the rollout is settled. The product does this by itself."""
    was = rollout.held_by
    _decided(actor, rollout, Act.GO_ON)
    rollout.held_by = ""
    if was == HeldBy.BLOCKER and rollout.step_began_at is not None:
        rollout.step_began_at = now()  # what was measured while a problem was active says little
    return rollout


@action("rollout.go_back", **_OWN)
def go_back(actor: Actor, rollout: Rollout) -> Rollout:
    """The analysis failed, and it was authorised beforehand to go back. The product does this by itself."""
    decision = _decided(actor, rollout, Act.ROLL_BACK)
    _take_back(actor, rollout, decision.why)
    return rollout


@action("rollout.complete", **_OWN)
def complete(actor: Actor, rollout: Rollout) -> Rollout:
    """All traffic is on the new version, and the last step is over. The product does this by itself."""
    _decided(actor, rollout, Act.COMPLETE)
    _complete(actor, rollout)
    rollout.save()
    return rollout


def _complete(actor: Actor, rollout: Rollout) -> None:
    rollout.state, rollout.finished_at = State.COMPLETED, now()
    if rollout.deployment_id:
        deployment = Deployment.objects.get(pk=rollout.deployment_id)
        if deployment.outcome == Deployment.State.RUNNING:
            system = Actor.system(actor.organization_id, f"{rollout.key} is complete")
            finish_deployment(system, deployment, status=Deployment.State.SUCCEEDED)


@action("rollout.note_analysis", **_OWN)
def note_analysis(
    actor: Actor, rollout: Rollout, *, analysis: Annotated[CanaryAnalysis, Field("Analysis")]
) -> Rollout:
    """Take over what an analysis of the present step said. The product does this by itself."""
    _system_only(actor)
    metrics = analysis.judgement.get("metrics", [])
    said = {
        "step": rollout.step,
        "analysis": str(analysis.pk),
        "key": analysis.key,
        "config": analysis.config.key,
        "verdict": analysis.verdict,
        "score": analysis.score,
        "reason": analysis.reason,
        "critical": any(m.get("critical") and m.get("classification") in ("High", "Low") for m in metrics),
        "from": analysis.canary["start"],
        "at": analysis.judged_at.isoformat(),
    }
    kept = [a for a in rollout.analyses if (a["step"], a["config"]) != (said["step"], said["config"])]
    rollout.analyses = sorted([*kept, said], key=lambda a: (a["step"], a["config"]))
    rollout.save()
    return rollout


# -- deployments of rollouts


def refuse_unstaged(actor: Actor, subject: Any, params: dict[str, Any]) -> Refusal | None:
    """Refuse to start in production what carries the canary marker, other than on a staged path that is under way."""
    release, service, environment = (params.get(name) for name in ("release", "service", "environment"))
    starts = params.get("status") == Deployment.State.RUNNING and not params.get("emergency")
    if not (starts and release and service and environment and environment.is_production):
        return None
    if params.get("kind") == Deployment.Kind.ROLLBACK or _is_known(params):
        return None
    marked = queries.marked_items(release)
    staged = queries.under_way().filter(release=release, service=service, environment=environment)
    if not marked or staged.exclude(state=State.ROLLING_BACK).exists():
        return None
    more = f" and {len(marked) - 1} more" if len(marked) > 1 else ""
    return Refusal(
        "deployment.unstaged",
        f"{marked[0]}{more} of {release} carries the canary marker: {service} reaches {environment} on a staged path"
        " only.",
        remedy="Plan a rollout of it and start it; the deployment belongs to the rollout.",
        blocked_by=Ref.of(release),
    )


def _is_known(params: dict[str, Any]) -> bool:
    """A start that is reported once more."""
    said = {name: params.get(name) or "" for name in ("source", "external_id")}
    return bool(said["external_id"]) and Deployment.objects.filter(**said).exists()


def follow_deployment(actor: Actor, subject: Any, params: dict[str, Any]) -> None:
    """A deployment of the version that is being rolled out belongs to the rollout."""
    deployment: Deployment = subject
    if deployment.kind == Deployment.Kind.ROLLBACK:
        return
    rows = queries.under_way().filter(
        service=deployment.service_id, environment=deployment.environment_id, deployment__isnull=True
    )
    rollout = rows.exclude(state=State.ROLLING_BACK).select_for_update(of=("self",)).first()
    if rollout is None or rollout.started_at is None or deployment.started_at < rollout.started_at:
        return
    same = rollout.version == deployment.version or (
        rollout.artifact_id is not None and rollout.artifact_id == deployment.artifact_id
    )
    if same:
        rollout.deployment = deployment
        rollout.save()


def follow_deployments(done: Sequence[Done]) -> None:
    """Only those of a service and environment where a rollout waits for its deployment."""
    places = {(each.about.service_id, each.about.environment_id) for each in done}
    rows = queries.under_way().filter(deployment__isnull=True, service__in={place[0] for place in places})
    awaited = set(rows.order_by().values_list("service_id", "environment_id"))
    for each in done:
        if (each.about.service_id, each.about.environment_id) in awaited:
            follow_deployment(each.actor, each.about, each.params)


register_guard("deployment.record", refuse_unstaged)
register_effect("deployment.record", follow_deployment)
effect_of_many(follow_deployment, follow_deployments)
