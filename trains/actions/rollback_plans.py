"""Verbs of rollback plans: made, authorised, ordered or triggered, and carried out step by step as deployments."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from releasetrain.audit.doorway import (
    Actor,
    Field,
    Ref,
    Refused,
    action,
    explain_constraint,
    register_effect,
)
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import Deployment, Environment, Release, RollbackPlan, Service
from trains.queries.deployments import undoing_now
from trains.rules import rollback_plans as rules
from trains.rules import rollback_thresholds as thresholds
from trains.states_delivery import ROLLBACK_PLAN_STATES

from .deployments import roll_back_deployment

State = RollbackPlan.State
_DONE = {"succeeded": True, "failed": False, "cancelled": False}

explain_constraint(
    "rollback_plan_one_in_force", "The release has a rollback plan for this environment already."
)

Reason = Annotated[str, Field("Reason", long=True)]
Triggers = Annotated[
    str,
    Field(
        "Triggers",
        help=f"One a line, with its service: ledger: {thresholds.EXAMPLE}. Measured so, the authorised plan is carried out"
        " by itself.",
        long=True,
        max_length=4_000,
    ),
]
Minutes = Annotated[
    int, Field("Back within minutes", help="From the order to the last service restored.", min=1, max=10_000)
]
Fallback = Annotated[
    str,
    Field("Fallback", help="What is done when the plan does not restore it.", long=True, max_length=5_000),
]


@action(
    "rollback_plan.create",
    creates=RollbackPlan,
    requires="releases.manage",
    within="release",
    label="Plan a rollback",
)
def create_plan(
    actor: Actor,
    *,
    release: Annotated[Release, Field("Release")],
    environment: Annotated[Environment, Field("Environment")],
    fallback: Fallback,
    title: Annotated[str, Field("Title", help="Empty: after the release.", max_length=200)] = "",
    restore_minutes: Minutes = 60,
    triggers: Triggers = "",
    copy_services: Annotated[
        bool, Field("One step per service", help="Begin with a step for each build that the release carries.")
    ] = True,
) -> RollbackPlan:
    """Plan how the services of a release are taken back together."""
    if not fallback.strip():
        refuse("required", "Say what is done when the plan does not restore it.", field="fallback")
    plan = RollbackPlan(
        release=release,
        environment=environment,
        title=title.strip() or f"Take {release.version} back in {environment}",
        restore_minutes=restore_minutes,
        fallback=fallback.strip(),
    )
    if copy_services:
        carried = release.artifacts.select_related("service").order_by("service__name")
        plan.steps = [_bare_step(each.service) for each in carried][: rules.MOST_STEPS]
    plan.triggers = _read_triggers(triggers, plan)
    plan.save()
    return plan


def _bare_step(service: Service) -> dict[str, Any]:
    return rules.new_step(str(service.pk), service.name, 1, before=[], after=[], data="", lossy=False)


def _read_triggers(text: str, plan: RollbackPlan) -> list[dict[str, Any]]:
    """Thresholds with the service that each is measured on."""
    found = []
    for line in filter(str.strip, text.splitlines()):
        name, colon, rest = line.partition(":")
        threshold = thresholds.read(rest) if colon else None
        if threshold is None:
            refuse(
                "rollback_plan.trigger",
                f"{line.strip()[:80]!r} states no threshold of a service.",
                remedy=f"Write it like: ledger: {thresholds.EXAMPLE}.",
                field="triggers",
            )
        service = Service.objects.filter(name=name.strip()).first()
        if service is None:
            refuse("rollback_plan.trigger", f"There is no service {name.strip()[:80]}.", field="triggers")
        found.append({"service": str(service.pk), "name": service.name, **threshold.as_json()})
    if len(found) > thresholds.MOST:
        refuse("rollback_plan.triggers", f"At most {thresholds.MOST} triggers.", field="triggers")
    return found


@action("rollback_plan.edit", on=RollbackPlan, requires="releases.manage", machine=ROLLBACK_PLAN_STATES)
def edit_plan(
    actor: Actor,
    plan: RollbackPlan,
    *,
    title: Annotated[str | None, Field("Title", max_length=200)] = None,
    restore_minutes: Annotated[int | None, Field("Back within minutes", min=1, max=10_000)] = None,
    fallback: Annotated[str | None, Field("Fallback", long=True, max_length=5_000)] = None,
    triggers: Annotated[
        str | None, Field("Triggers", help="One a line; all are replaced.", long=True, max_length=4_000)
    ] = None,
) -> RollbackPlan:
    """Change the plan; what is left empty stays. It has to be authorised anew."""
    for name, value in (
        ("title", (title or "").strip()),
        ("restore_minutes", restore_minutes),
        ("fallback", (fallback or "").strip()),
    ):
        if value:
            setattr(plan, name, value)
    if triggers is not None:
        plan.triggers = _read_triggers(triggers, plan)
    _unauthorise(plan)
    return plan


def _unauthorise(plan: RollbackPlan) -> None:
    plan.authorised_by, plan.authorised_at = None, None


def _lines(text: str, field: str) -> list[str]:
    found = [line.strip()[:300] for line in text.splitlines() if line.strip()]
    if len(found) > rules.MOST_QUESTIONS:
        refuse("rollback_plan.validations", f"At most {rules.MOST_QUESTIONS} validations.", field=field)
    return found


@action(
    "rollback_plan.add_step",
    on=RollbackPlan,
    requires="releases.manage",
    machine=ROLLBACK_PLAN_STATES,
    label="Set a step",
)
def add_step(
    actor: Actor,
    plan: RollbackPlan,
    *,
    service: Annotated[Service, Field("Service", help="A step that the service has already is replaced.")],
    position: Annotated[
        int,
        Field("Place", help="Steps of one place run side by side; lower places come first.", min=1, max=1000),
    ] = 1,
    before: Annotated[
        str,
        Field(
            "Validate before",
            help=f"One a line; a threshold such as {thresholds.EXAMPLE} is answered from the measurements.",
            long=True,
            max_length=6_000,
        ),
    ] = "",
    after: Annotated[str, Field("Validate after", help="One a line.", long=True, max_length=6_000)] = "",
    data: Annotated[
        str,
        Field("Data implications", help="What becomes of data written since.", long=True, max_length=5_000),
    ] = "",
    lossy: Annotated[
        bool, Field("Loses data", help="Then it is never carried out by itself, and the order must say so.")
    ] = False,
) -> RollbackPlan:
    """Say when a service is taken back, what is validated before and after, and what it means for data."""
    if lossy and not data.strip():
        refuse("rollback_plan.data", "Say which data is lost.", field="data")
    step = rules.new_step(
        str(service.pk),
        service.name,
        position,
        before=_lines(before, "before"),
        after=_lines(after, "after"),
        data=data.strip(),
        lossy=lossy,
    )
    others = [s for s in plan.steps if s["service"] != str(service.pk)]
    if len(others) >= rules.MOST_STEPS:
        refuse("rollback_plan.steps", f"At most {rules.MOST_STEPS} services.", field="service")
    plan.steps = rules.ordered([*others, step])
    plan.state = State.DRAFT
    _unauthorise(plan)
    plan.save()
    return plan


@action(
    "rollback_plan.remove_step",
    on=RollbackPlan,
    requires="releases.manage",
    machine=ROLLBACK_PLAN_STATES,
    danger=True,
)
def remove_step(
    actor: Actor, plan: RollbackPlan, *, service: Annotated[Service, Field("Service")]
) -> RollbackPlan:
    """Take a service out of the plan."""
    _step(plan, service)
    plan.steps = [s for s in plan.steps if s["service"] != str(service.pk)]
    _unauthorise(plan)
    return plan


def _step(plan: RollbackPlan, service: Service) -> dict[str, Any]:
    """The step of a service: the very mapping that is kept with the plan."""
    plan.steps = copy.deepcopy(plan.steps)
    found = next((s for s in plan.steps if s["service"] == str(service.pk)), None)
    if found is None:
        refuse("rollback_plan.step", f"{plan} has no step of {service}.", field="service")
    return found


@action(
    "rollback_plan.authorise",
    on=RollbackPlan,
    requires="deployments.rollback",
    machine=ROLLBACK_PLAN_STATES,
    confirm="From now on the plan is carried out by itself when one of its triggers is measured.",
    step_up=True,
)
def authorise_plan(actor: Actor, plan: RollbackPlan) -> RollbackPlan:
    """Authorise the plan as it stands: its triggers may carry it out, and nobody has to be asked."""
    _has_steps(plan)
    losing = rules.lossy(plan.steps)
    if losing and plan.triggers:
        refuse(
            "rollback_plan.lossy",
            f"Taking {losing[0]['name']} back loses data: no trigger may carry that out by itself.",
            remedy="Take the triggers out, or order the plan by hand.",
        )
    if actor.user_id is None:
        refuse("rollback_plan.somebody", "A person authorises it.", status=403)
    plan.authorised_by_id, plan.authorised_at = actor.user_id, now()
    return plan


def _has_steps(plan: RollbackPlan) -> None:
    if not plan.steps:
        refuse("rollback_plan.empty", f"{plan} has no step.", remedy="Add the services that are taken back.")


@action(
    "rollback_plan.order",
    on=RollbackPlan,
    requires="deployments.rollback",
    machine=ROLLBACK_PLAN_STATES,
    danger=True,
    confirm="The services are taken back in the order of the plan.",
)
def order_plan(
    actor: Actor,
    plan: RollbackPlan,
    *,
    reason: Reason,
    accept_data_loss: Annotated[bool, Field("Data is lost as the plan says")] = False,
) -> RollbackPlan:
    """Order the rollback of the whole plan now."""
    _has_steps(plan)
    losing = rules.lossy(plan.steps)
    if losing and not accept_data_loss:
        refuse(
            "rollback_plan.data_loss",
            f"Taking {losing[0]['name']} back loses data: {losing[0]['data']}",
            remedy="Accept the loss of data, or change the plan.",
            field="accept_data_loss",
        )
    _begin(plan, reason.strip()[:300])
    plan.ordered_by_id = actor.user_id
    return plan


@action(
    "rollback_plan.trigger",
    on=RollbackPlan,
    requires="deployments.record",
    machine=ROLLBACK_PLAN_STATES,
    danger=True,
    confirm="The services are taken back in the order of the plan.",
)
def trigger_plan(
    actor: Actor,
    plan: RollbackPlan,
    *,
    service: Annotated[Service, Field("Service", help="On which it was measured.")],
    metric: Annotated[str, Field("Measured", help="As the trigger names it.", max_length=80)],
    value: Annotated[float, Field("Value")],
    minutes: Annotated[int, Field("For minutes", min=0, max=10_000)],
) -> RollbackPlan:
    """Report a measurement that crosses one of the triggers: the authorised plan is carried out."""
    mine = [thresholds.stored(t) for t in plan.triggers if t["service"] == str(service.pk)]
    crossed = thresholds.crossed(mine, metric, value, minutes)
    if crossed is None:
        said = "; ".join(f"{t['name']}: {thresholds.stored(t)}" for t in plan.triggers) or "none"
        refuse(
            "rollback_plan.threshold",
            f"{metric} {value:g} for {minutes} min on {service} is no trigger of {plan}.",
            remedy=f"Triggers: {said}. Otherwise somebody who may order rollbacks orders it.",
            field="metric",
        )
    _begin(plan, f"{service}: {metric} {value:g} for {minutes} min ({crossed})"[:300])
    return plan


def _begin(plan: RollbackPlan, because: str) -> None:
    """Everything starts anew; what still runs there is asked before the first step."""
    plan.steps = copy.deepcopy(plan.steps)
    if not any(taken_back(plan, step) for step in plan.steps):
        refuse(
            "rollback_plan.nothing_runs",
            f"Nothing of {plan.release} runs in {plan.environment}: there is nothing to take back.",
        )
    for step in plan.steps:
        step.update(
            rules.new_step(
                step["service"],
                step["name"],
                step["position"],
                before=[q["question"] for q in step["before"]],
                after=[q["question"] for q in step["after"]],
                data=step["data"],
                lossy=step["lossy"],
            )
        )
    plan.ordered_at, plan.ordered_on, plan.restored_at = now(), because, None


def taken_back(plan: RollbackPlan, step: dict[str, Any]) -> Deployment | None:
    """The deployment that the step of a service undoes; None where nothing of the release runs."""
    found = undoing_now(UUID(step["service"]), plan.environment_id).undoes
    if found is None:
        return None
    carried = plan.release.artifacts.filter(service=found.service_id).values_list("artifact_id", flat=True)
    mine = found.release_id == plan.release_id or (found.artifact_id and found.artifact_id in set(carried))
    return found if mine else None


def go_on(actor: Actor, plan: RollbackPlan, params: dict[str, Any]) -> None:
    """Begin what may begin now. Also the periodic round calls it, so that nothing is lost."""
    system = Actor.system(actor.organization_id, f"rollback plan {plan.key}")
    for step in rules.may_begin(plan.steps):
        begin_step(system, plan, service=Service.objects.get(pk=step["service"]))
    plan.refresh_from_db()
    if plan.state == State.RUNNING and rules.all_restored(plan.steps):
        restore_plan(system, plan)
        plan.refresh_from_db()


def _system_only(actor: Actor) -> None:
    if actor.kind != "system":
        refuse("rollback_plan.by_itself", "The product does this by itself.", status=403)


@action(
    "rollback_plan.begin_step",
    on=RollbackPlan,
    requires="deployments.rollback",
    machine=ROLLBACK_PLAN_STATES,
    hidden=True,
)
def begin_step(
    actor: Actor, plan: RollbackPlan, *, service: Annotated[Service, Field("Service")]
) -> RollbackPlan:
    """Begin the step of a service: its validations first, then its rollback. The product does this by itself."""
    _system_only(actor)
    step = _step(plan, service)
    if step not in rules.may_begin(plan.steps):
        refuse("rollback_plan.order_of_steps", f"It is not the turn of {service}.")
    if step[rules.BEFORE]:
        step["state"] = rules.VALIDATING
    else:
        _deploy(actor, plan, step)
    plan.save()
    return plan


def _deploy(actor: Actor, plan: RollbackPlan, step: dict[str, Any]) -> None:
    """Order the rollback of one service; where it is refused, the step has failed with that reason. A service that the
    release never reached stays as it is."""
    deployment = taken_back(plan, step)
    if deployment is None:
        step.update(state=rules.RESTORED, note=f"Nothing of {plan.release} runs there.")
        return
    try:
        rollback = roll_back_deployment(actor, deployment, reason=f"{plan.key}: {plan.ordered_on}")
    except Refused as refused:
        step.update(state=rules.FAILED, note=refused.refusals[0].sentence)
        return
    step.update(state=rules.RUNNING, deployment=str(rollback.pk), note="")


@action(
    "rollback_plan.validate",
    on=RollbackPlan,
    requires="deployments.record",
    machine=ROLLBACK_PLAN_STATES,
    label="Answer a validation",
)
def validate(
    actor: Actor,
    plan: RollbackPlan,
    *,
    service: Annotated[Service, Field("Service")],
    question: Annotated[
        int, Field("Validation", help="Its number in the step, from 1.", min=1, max=rules.MOST_QUESTIONS)
    ],
    ok: Annotated[bool, Field("It holds")],
    note: Annotated[str, Field("Note", help="What was seen.", max_length=300)] = "",
) -> RollbackPlan:
    """Answer a validation before or after the rollback of a service. A no stops the plan there."""
    step = _step(plan, service)
    side = {rules.VALIDATING: rules.BEFORE, rules.VERIFYING: rules.AFTER}.get(step["state"])
    if side is None:
        refuse(
            "rollback_plan.no_validation",
            f"No validation of {service} is open: it is {step['state']}.",
            blocked_by=Ref.of(plan),
        )
    if question > len(step[side]):
        refuse(
            "rollback_plan.question", f"{service} has {len(step[side])} validations there.", field="question"
        )
    step[side][question - 1].update(ok=ok, by=actor.name[:200], at=now().isoformat(), note=note.strip())
    if not ok:
        said = step[side][question - 1]["question"]
        step.update(state=rules.FAILED, note=f"Validation {side} failed: {said}")
    elif rules.standing(step[side]):
        if side == rules.BEFORE:
            _deploy(Actor.system(actor.organization_id, f"rollback plan {plan.key}"), plan, step)
        else:
            step["state"] = rules.RESTORED
    plan.save()
    return plan


@action(
    "rollback_plan.settle_step",
    on=RollbackPlan,
    requires="deployments.record",
    machine=ROLLBACK_PLAN_STATES,
    hidden=True,
)
def settle_step(
    actor: Actor, plan: RollbackPlan, *, service: Annotated[Service, Field("Service")]
) -> RollbackPlan:
    """Take over how the rollback of a service ended. The product does this by itself."""
    _system_only(actor)
    step = _step(plan, service)
    deployment = Deployment.objects.filter(pk=step["deployment"] or None).first()
    ended = _DONE.get(deployment.outcome) if deployment else None
    if step["state"] != rules.RUNNING or ended is None or deployment is None:
        refuse("rollback_plan.unsettled", f"The rollback of {service} has not ended.")
    if not ended:
        step.update(state=rules.FAILED, note=f"The rollback {deployment.get_outcome_display().lower()}.")
    else:
        step["state"] = rules.VERIFYING if step[rules.AFTER] else rules.RESTORED
    plan.save()
    return plan


@action(
    "rollback_plan.retry_step", on=RollbackPlan, requires="deployments.rollback", machine=ROLLBACK_PLAN_STATES
)
def retry_step(
    actor: Actor, plan: RollbackPlan, *, service: Annotated[Service, Field("Service")], reason: Reason
) -> RollbackPlan:
    """Try the failed step of a service again, from its validations on."""
    step = _step(plan, service)
    if step["state"] != rules.FAILED:
        refuse("rollback_plan.not_failed", f"The step of {service} has not failed: it is {step['state']}.")
    went_back = Deployment.objects.filter(pk=step["deployment"] or None, outcome="succeeded").exists()
    for question in (*step["before"], *step["after"]):
        if question["ok"] is False or not went_back:
            question.update(rules.question(question["question"]))
    # What is back already is not taken back once more: only its validations are answered again.
    step.update(state=rules.VERIFYING if went_back else rules.WAITING, note="")
    if not went_back:
        step["deployment"] = ""
    plan.save()
    return plan


@action(
    "rollback_plan.restore",
    on=RollbackPlan,
    requires="deployments.rollback",
    machine=ROLLBACK_PLAN_STATES,
    hidden=True,
)
def restore_plan(actor: Actor, plan: RollbackPlan) -> RollbackPlan:
    """Every service is restored: the time to restore is measured. The product does this by itself."""
    _system_only(actor)
    if not rules.all_restored(plan.steps):
        refuse("rollback_plan.not_restored", "Not every service is restored.")
    ends = [
        d.finished_at
        for d in Deployment.objects.filter(pk__in=[s["deployment"] for s in plan.steps])
        if d.finished_at
    ]
    answered = [q["at"] for s in plan.steps for q in s["after"] if q["at"]]
    moment = now()
    if not answered and ends:
        moment = max(*ends, plan.ordered_at or moment)
    plan.restored_at = moment
    return plan


@action(
    "rollback_plan.give_up",
    on=RollbackPlan,
    requires="deployments.rollback",
    machine=ROLLBACK_PLAN_STATES,
    danger=True,
    confirm="The plan ends; its fallback is what is left.",
)
def give_up(actor: Actor, plan: RollbackPlan, *, reason: Reason) -> RollbackPlan:
    """Say that the plan does not restore the services: the fallback follows."""
    return plan


@action(
    "rollback_plan.cancel",
    on=RollbackPlan,
    requires="releases.manage",
    machine=ROLLBACK_PLAN_STATES,
    danger=True,
)
def cancel_plan(actor: Actor, plan: RollbackPlan, *, reason: Reason) -> RollbackPlan:
    """Withdraw a plan that was not carried out."""
    return plan


def follow_deployment(actor: Actor, subject: Any, params: dict[str, Any]) -> None:
    """The end of a rollback that a plan ordered is the end of its step."""
    deployment: Deployment = subject
    if deployment.kind != Deployment.Kind.ROLLBACK or deployment.outcome not in _DONE:
        return
    for plan in running_with(deployment):
        system = Actor.system(actor.organization_id, f"rollback plan {plan.key}")
        settle_step(system, plan, service=deployment.service)
        plan.refresh_from_db()
        go_on(actor, plan, {})


def running_with(deployment: Deployment) -> list[RollbackPlan]:
    """Running plans that wait for the end of this deployment."""
    rows = RollbackPlan.objects.filter(state=State.RUNNING, environment=deployment.environment_id)
    return [
        plan
        for plan in rows
        if any(s["deployment"] == str(deployment.pk) and s["state"] == rules.RUNNING for s in plan.steps)
    ]


_FOLLOWED: tuple[tuple[str, Callable[[Actor, Any, dict[str, Any]], None]], ...] = (
    ("rollback_plan.order", go_on),
    ("rollback_plan.trigger", go_on),
    ("rollback_plan.validate", go_on),
    ("rollback_plan.retry_step", go_on),
    ("deployment.finish", follow_deployment),
    ("deployment.record", follow_deployment),
)
for _verb, _effect in _FOLLOWED:
    register_effect(_verb, _effect)
