"""Verbs of deployment plans: made, checked, started; steps claimed under a lease and reported by whoever holds them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any

from django.db import models

from releasetrain.accounts.models import User
from releasetrain.audit.doorway import Actor, Field, Refusal, Refused, action, explain_constraint
from releasetrain.kernel.canonical import plain
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref, refuse
from trains.models import Deployment, DeploymentPlan, Environment, PlanStep, Release, Service, Team, Train
from trains.queries.deployment_plans import as_rule, needs, rollback_plans_for, steps_of
from trains.rules import deployment_plan as rules
from trains.rules.deployment_plan import Standing
from trains.states_delivery import DEPLOYMENT_PLAN_STATES

from .people import member

State, StepState, Kind = DeploymentPlan.State, PlanStep.State, PlanStep.Kind
_SHOWN = 20

explain_constraint("plan_step_number_once", "Another step has this number.")
explain_constraint("plan_step_takes_time", "A step takes at least a minute.")

Reason = Annotated[str, Field("Reason", long=True)]
Title = Annotated[str, Field("Title", max_length=200)]
Minutes = Annotated[int, Field("Estimate in minutes", min=1, max=100_000)]
After = Annotated[
    list[int] | None, Field("Waits for", help="Numbers of the steps that have to be done before, one a line.")
]
Runner = Annotated[
    str, Field("Pipeline", help="Who holds the step, e.g. the address of the run.", max_length=120)
]
Lease = Annotated[
    int,
    Field(
        "Lease in minutes", help="How long a pipeline holds a step without a sign of life.", min=1, max=1440
    ),
]


class Outcome(models.TextChoices):
    """What a pipeline says of the step that it holds."""

    RUNNING = "running", "Still running: hold it longer"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"


# -- the plan


@action(
    "deployment_plan.create",
    creates=DeploymentPlan,
    requires="releases.manage",
    within="train",
    label="Plan a deployment",
)
def create_plan(
    actor: Actor,
    *,
    train: Train,
    title: Title,
    release: Annotated[Release | None, Field("Release")] = None,
    environment: Annotated[
        Environment | None,
        Field("Environment", help="With a release: begin with a step for each of its builds there."),
    ] = None,
    owner: Annotated[User | None, Field("Owner")] = None,
    starts_at: Annotated[datetime | None, Field("Planned start")] = None,
    lease_minutes: Lease = 15,
) -> DeploymentPlan:
    """Plan how services are brought out together. With a release and an environment, providers come before consumers."""
    if not title.strip():
        refuse("required", "Give the plan a title.", field="title")
    if release is not None and release.train_id != train.pk:
        refuse("release.elsewhere", f"{release} is not a release of {train}.", field="release")
    plan = DeploymentPlan.objects.create(
        train=train,
        title=title.strip(),
        release=release,
        owner=owner,
        starts_at=starts_at,
        lease_minutes=lease_minutes,
    )
    if release is not None and environment is not None:
        _builds(plan, release, environment)
    return plan


def _builds(plan: DeploymentPlan, release: Release, environment: Environment) -> None:
    """One step for each build, each behind those of the services that it relies on."""
    carried = release.artifacts.select_related("service__team", "artifact").order_by("service__name")
    builds = {each.service.name: each for each in carried[: rules.MOST_STEPS]}
    numbers = {name: number for number, name in enumerate(builds, 1)}
    for name, behind in rules.suggested_order(list(builds), needs()).items():
        each = builds[name]
        PlanStep.objects.create(
            plan=plan,
            number=numbers[name],
            kind=Kind.DEPLOY,
            title=f"Deploy {name} {each.artifact.version}".strip(),
            service=each.service,
            environment=environment,
            team=each.service.team,
            after=[numbers[other] for other in behind],
        )


@action("deployment_plan.edit", on=DeploymentPlan, requires="releases.manage", machine=DEPLOYMENT_PLAN_STATES)
def edit_plan(
    actor: Actor,
    plan: DeploymentPlan,
    *,
    title: Annotated[str | None, Field("Title", max_length=200)] = None,
    owner: Annotated[User | None, Field("Owner")] = None,
    starts_at: Annotated[datetime | None, Field("Planned start")] = None,
    lease_minutes: Annotated[int | None, Field("Lease in minutes", min=1, max=1440)] = None,
) -> DeploymentPlan:
    """Change the plan; what is left empty stays."""
    news = {
        "title": (title or "").strip(),
        "owner": owner,
        "starts_at": starts_at,
        "lease_minutes": lease_minutes,
    }
    for field, value in news.items():
        if value:
            setattr(plan, field, value)
    plan.save()
    return plan


@action(
    "deployment_plan.add_step",
    on=DeploymentPlan,
    requires="releases.manage",
    machine=DEPLOYMENT_PLAN_STATES,
)
def add_step(
    actor: Actor,
    plan: DeploymentPlan,
    *,
    kind: Kind,
    service: Service | None = None,
    environment: Environment | None = None,
    title: Annotated[str, Field("Title", help="Empty: after the kind and the service.", max_length=200)] = "",
    team: Annotated[Team | None, Field("Owning team", help="Empty: the service's.")] = None,
    owner: Annotated[User | None, Field("Owner")] = None,
    minutes: Minutes = 15,
    after: After = None,
) -> PlanStep:
    """Add a step; those that it waits for are named by their numbers."""
    listed = list(plan.present_steps.order_by("number"))
    number = max((step.number for step in listed), default=0) + 1
    if len(listed) >= rules.MOST_STEPS:
        refuse("deployment_plan.steps", f"A plan has at most {rules.MOST_STEPS} steps.")
    return _made(
        plan,
        {
            "number": number,
            "kind": kind,
            "service": service,
            "environment": environment,
            "title": title,
            "team": team,
            "owner": owner,
            "minutes": minutes,
            "after": _known(after or [], {step.number for step in listed}),
        },
    )


def _made(plan: DeploymentPlan, said: dict[str, Any], step: PlanStep | None = None) -> PlanStep:
    """The row of a step; machine steps are about a service in an environment."""
    if said["kind"] not in (Kind.MANUAL, Kind.VERIFY) and not (said["service"] and said["environment"]):
        refuse(
            "plan_step.place",
            f"Step {said['number']}: {Kind(said['kind']).label} is about a service in an environment.",
            remedy="Name both, or make it a step by hand.",
            field="service" if not said["service"] else "environment",
        )
    named = f"{Kind(said['kind']).label} {said['service'] or ''}".strip()
    title = said["title"].strip() or named
    team = said["team"] or (said["service"].team if said["service"] else None)
    step = step or PlanStep(plan=plan)
    for field, value in {**said, "title": title[:200], "team": team}.items():
        setattr(step, field, value)
    step.save()
    return step


def _take_out(step: PlanStep) -> None:
    step.removed_at = now()
    step.save()


def _known(after: list[int], numbers: set[int], field: str = "after") -> list[int]:
    for number in after:
        if number not in numbers:
            refuse("plan_step.unknown", f"The plan has no step {number}.", field=field)
    return sorted(set(after))


_STEP = {"number", "kind", "title", "service", "environment", "team", "owner", "minutes", "after"}


@action(
    "deployment_plan.set_steps",
    on=DeploymentPlan,
    requires="releases.manage",
    machine=DEPLOYMENT_PLAN_STATES,
    label="Set all steps",
    hidden=True,
)
def set_steps(
    actor: Actor,
    plan: DeploymentPlan,
    *,
    steps: Annotated[
        list,
        Field(
            "Steps",
            help='All of them: [{"number": 1, "kind": "deploy", "service": "ledger", "environment": "production",'
            ' "minutes": 10, "after": [], "team": "LED", "owner": "e-mail"}]; they replace what is there.',
        ),
    ],
) -> dict[str, Any]:
    """Set all steps of a draft at once; answers what is still out of order."""
    if not 1 <= len(steps) <= rules.MOST_STEPS:
        refuse("deployment_plan.steps", f"Give 1 to {rules.MOST_STEPS} steps.", field="steps")
    rows = [_row(index, row) for index, row in enumerate(steps, 1)]
    numbers = [row["number"] for row in rows]
    twice = next((n for n in numbers if numbers.count(n) > 1), None)
    if twice is not None:
        refuse("plan_step.twice", f"Two steps have the number {twice}.", field="steps")
    for row in rows:
        _known(row["after"], set(numbers), "steps")
    before = {step.number: step for step in plan.present_steps}
    for row in rows:
        _made(plan, row, before.pop(row["number"], None))
    for gone in before.values():
        _take_out(gone)
    return {"steps": len(rows), "faults": [f.sentence for f in faults_of(plan)][:_SHOWN]}


def _row(index: int, row: Any) -> dict[str, Any]:
    def wrong(sentence: str) -> None:
        refuse("plan_step.row", f"Row {index}: {sentence}", field="steps")

    if not isinstance(row, dict):
        wrong("an object is expected.")
    if unknown := sorted(map(str, set(row) - _STEP)):
        wrong(f"there is no field {unknown[0][:40]}.")
    number, minutes, after = row.get("number", index), row.get("minutes", 15), row.get("after") or []
    if type(number) is not int or not 1 <= number <= 9999:
        wrong("a number is a whole number from 1.")
    if type(minutes) is not int or not 1 <= minutes <= 100_000:
        wrong("minutes are a whole number from 1.")
    if not isinstance(after, list) or any(type(each) is not int for each in after):
        wrong("after is a list of numbers of steps.")
    if row.get("kind") not in Kind.values:
        wrong(f"a kind is one of {', '.join(Kind.values)}.")
    texts = {name: row.get(name) or "" for name in ("title", "service", "environment", "team", "owner")}
    for name, value in texts.items():
        if not isinstance(value, str) or len(value) > 200 or "\0" in value:
            wrong(f"{name} is a short text.")
    found: dict[str, Any] = {}
    for name, model, field in (
        ("service", Service, "name"),
        ("environment", Environment, "name"),
        ("team", Team, "code"),
    ):
        found[name] = model.objects.filter(**{field: texts[name]}).first() if texts[name] else None
        if texts[name] and found[name] is None:
            wrong(f"there is no {name} {texts[name][:80]}.")
    owner = member(texts["owner"], "steps") if texts["owner"] else None
    return {
        **found,
        "number": number,
        "kind": row["kind"],
        "title": texts["title"],
        "minutes": minutes,
        "after": after,
        "owner": owner,
    }


@action("plan_step.edit", on=PlanStep, requires="releases.manage", lock=False)
def edit_step(
    actor: Actor,
    step: PlanStep,
    *,
    title: Annotated[str | None, Field("Title", max_length=200)] = None,
    team: Annotated[Team | None, Field("Owning team")] = None,
    owner: Annotated[User | None, Field("Owner")] = None,
    minutes: Annotated[int | None, Field("Estimate in minutes", min=1, max=100_000)] = None,
    after: After = None,
) -> PlanStep:
    """Change a step of a draft; what is left empty stays."""
    plan = _held(step)
    _drafted(plan)
    others = set(plan.present_steps.exclude(pk=step.pk).values_list("number", flat=True))
    news = {"title": (title or "").strip(), "team": team, "owner": owner, "minutes": minutes}
    for field, value in news.items():
        if value:
            setattr(step, field, value)
    if after is not None:
        step.after = _known(after, others)
    step.save()
    return step


@action("plan_step.remove", on=PlanStep, requires="releases.manage", lock=False, danger=True)
def remove_step(actor: Actor, step: PlanStep) -> DeploymentPlan:
    """Take a step out of a draft; what waited for it waits for what it waited for."""
    plan = _held(step)
    _drafted(plan)
    for other in plan.present_steps.exclude(pk=step.pk):
        if step.number in other.after:
            other.after = sorted({*other.after, *step.after} - {step.number})
            other.save()
    _take_out(step)
    return plan


def _held(step: PlanStep) -> DeploymentPlan:
    """The plan of a step, locked, and the step as it is now: whoever changes steps holds the plan first."""
    plan = DeploymentPlan.objects.select_for_update(of=("self",)).get(pk=step.plan_id)
    step.refresh_from_db()
    step.plan = plan
    if step.removed_at is not None:
        refuse("plan_step.removed", f"{step} was taken out of {plan}.", blocked_by=Ref.of(plan))
    return plan


def _drafted(plan: DeploymentPlan) -> None:
    if plan.state != State.DRAFT:
        refuse(
            "deployment_plan.started",
            f"{plan} is {plan.get_state_display().lower()}; its steps stay as they are.",
            remedy="Skip a step that is not needed.",
            blocked_by=Ref.of(plan),
        )


def faults_of(plan: DeploymentPlan) -> list[rules.Fault]:
    """What is wrong with a plan as it stands."""
    return rules.faults([as_rule(step) for step in steps_of(plan)], needs())


@action(
    "deployment_plan.start",
    on=DeploymentPlan,
    requires="releases.manage",
    machine=DEPLOYMENT_PLAN_STATES,
    confirm="From now on pipelines may claim its steps.",
)
def start_plan(actor: Actor, plan: DeploymentPlan) -> DeploymentPlan:
    """Let pipelines claim the steps. Refused while something is out of order."""
    if not plan.present_steps.exists():
        refuse("deployment_plan.empty", f"{plan} has no step.", remedy="Add its steps.")
    found = faults_of(plan)
    if found:
        raise Refused(
            *[
                Refusal(f"deployment_plan.{f.code}", f.sentence, remedy=f.remedy, blocked_by=Ref.of(plan))
                for f in found[:_SHOWN]
            ]
        )
    plan.started_at = now()
    return plan


@action(
    "deployment_plan.give_up",
    on=DeploymentPlan,
    requires="releases.manage",
    machine=DEPLOYMENT_PLAN_STATES,
    danger=True,
    confirm="No step of it can be claimed any more.",
)
def give_up(actor: Actor, plan: DeploymentPlan, *, reason: Reason) -> DeploymentPlan:
    """End a running plan that is not carried through."""
    if not reason.strip():
        refuse("required", "Say why.", field="reason")
    plan.finished_at = now()
    return plan


@action(
    "deployment_plan.cancel",
    on=DeploymentPlan,
    requires="releases.manage",
    machine=DEPLOYMENT_PLAN_STATES,
    danger=True,
)
def cancel_plan(actor: Actor, plan: DeploymentPlan, *, reason: Reason) -> DeploymentPlan:
    """Drop a plan that has not been started."""
    plan.finished_at = now()
    return plan


# -- carrying it out


@action(
    "deployment_plan.claim",
    on=DeploymentPlan,
    requires="deployments.record",
    machine=DEPLOYMENT_PLAN_STATES,
    label="Claim the next step",
    hidden=True,
)
def claim_next(
    actor: Actor,
    plan: DeploymentPlan,
    *,
    runner: Runner,
    service: Annotated[Service | None, Field("Service", help="Only steps of this one.")] = None,
    kind: Annotated[Kind | None, Field("Kind", help="Only steps of this kind.")] = None,
) -> dict[str, Any]:
    """Hold the first step that is free, and get the token to report on it. Exactly one pipeline gets a step."""
    moment = now()
    steps = steps_of(plan)
    standing = rules.standings([as_rule(step) for step in steps], moment)
    for step in steps:
        if (
            step.kind != Kind.MANUAL
            and standing[step.number] in (Standing.READY, Standing.LAPSED)
            and (service is None or step.service_id == service.pk)
            and (kind is None or step.kind == kind)
        ):
            return _give(plan, step, runner, moment)
    refuse(
        "plan_step.none",
        f"No step of {plan} is free for you now.",
        remedy="Ask again when a step before it is done.",
        blocked_by=Ref.of(plan),
    )


@action("plan_step.claim", on=PlanStep, requires="deployments.record", lock=False, label="Claim", hidden=True)
def claim_step(actor: Actor, step: PlanStep, *, runner: Runner) -> dict[str, Any]:
    """Hold this step, and get the token to report on it. Exactly one pipeline gets it; a lease that ran out frees it."""
    plan, moment = _held(step), now()
    _running(plan)
    if step.kind == Kind.MANUAL:
        refuse(
            "plan_step.manual",
            f"{step} is done by hand.",
            remedy="Whoever is responsible settles it on the plan's page.",
            blocked_by=Ref.of(step),
        )
    standing = rules.standings([as_rule(each) for each in steps_of(plan)], moment)[step.number]
    if standing not in (Standing.READY, Standing.LAPSED):
        why = {
            Standing.RUNNING: f"{step.held_by} holds it until {step.held_until:%H:%M:%S} UTC."
            if step.held_until
            else "",
            Standing.WAITING: f"It waits for {', '.join(map(str, step.after))}.",
            Standing.STOPPED: "A step that it waits for has failed.",
        }
        refuse(
            f"plan_step.{standing}",
            f"{step} cannot be claimed. {why.get(standing, f'It is {standing}.')}".strip(),
            remedy="Ask again when it is free.",
            blocked_by=Ref.of(step),
        )
    return _give(plan, step, runner, moment)


def _running(plan: DeploymentPlan) -> None:
    if plan.state != State.RUNNING:
        refuse(
            "deployment_plan.idle",
            f"{plan} is {plan.get_state_display().lower()}.",
            remedy="It has to be started first." if plan.state == State.DRAFT else "",
            blocked_by=Ref.of(plan),
        )


def _give(plan: DeploymentPlan, step: PlanStep, runner: str, moment: datetime) -> dict[str, Any]:
    """Hand the step out. Only the token's digest is kept; whoever held it before reports in vain from now on."""
    name = runner.strip()
    if not name:
        refuse("required", "Say which pipeline claims the step.", field="runner")
    token = secrets.token_urlsafe(32)
    step.state = StepState.RUNNING
    step.held_by, step.token_digest = name, _digest(token)
    step.held_until = moment + timedelta(minutes=plan.lease_minutes)
    step.started_at, step.finished_at = moment, None
    step.attempts += 1
    step.said, step.url = "", ""
    step.save()
    return {
        "step": str(step.pk),
        "number": step.number,
        "kind": step.kind,
        "title": step.title,
        "service": step.service.name if step.service else None,
        "environment": step.environment.name if step.environment else None,
        "token": token,
        "held_until": plain(step.held_until),
    }


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@action(
    "plan_step.report",
    on=PlanStep,
    requires="deployments.record",
    lock=False,
    quiet=("token",),
    label="Report",
    hidden=True,
)
def report_step(
    actor: Actor,
    step: PlanStep,
    *,
    token: Annotated[str, Field("Token", help="What the claim answered.", max_length=200)],
    outcome: Outcome,
    note: Annotated[str, Field("Note", long=True, max_length=5_000)] = "",
    url: Annotated[str, Field("Link to the run", max_length=500)] = "",
    deployment: Annotated[Deployment | None, Field("Deployment", help="As it was recorded.")] = None,
) -> dict[str, Any]:
    """Say how the step goes. Only the holder's token counts, and only while its lease runs."""
    plan, moment = _held(step), now()
    if step.state != StepState.RUNNING or not hmac.compare_digest(step.token_digest, _digest(token)):
        refuse(
            "plan_step.token",
            f"{step} is not held with this token"
            + (f"; {step.held_by} holds it." if step.is_held(moment) else "."),
            remedy="Claim the step; what a former holder reports does not count.",
            blocked_by=Ref.of(step),
        )
    if not step.is_held(moment):
        refuse(
            "plan_step.lapsed",
            f"The lease of {step} ran out at {step.held_until:%H:%M:%S} UTC.",
            remedy="Claim it again, and give signs of life before the lease runs out.",
            blocked_by=Ref.of(step),
        )
    _running(plan)
    if url and not url.startswith(("https://", "http://")):
        refuse("plan_step.url", "A link begins with https:// or http://.", field="url")
    step.said, step.url = note.strip() or step.said, url or step.url
    if deployment is not None:
        if (deployment.service_id, deployment.environment_id) != (step.service_id, step.environment_id):
            refuse("plan_step.deployment", f"{deployment} is none of this step.", field="deployment")
        step.deployment = deployment
    if outcome == Outcome.RUNNING:
        step.held_until = moment + timedelta(minutes=plan.lease_minutes)
        step.save()
    else:
        _settle(plan, step, StepState.DONE if outcome == Outcome.SUCCEEDED else StepState.FAILED, moment)
    return _answer(plan, step)


def _settle(plan: DeploymentPlan, step: PlanStep, state: str, moment: datetime) -> None:
    step.state = state
    step.finished_at = moment
    step.token_digest, step.held_until = "", None
    step.save()
    open_ = plan.present_steps.exclude(state__in=[StepState.DONE, StepState.SKIPPED])
    if plan.state == State.RUNNING and not open_.exists():
        plan.state, plan.finished_at = State.COMPLETED, moment
        plan.save()


def _answer(plan: DeploymentPlan, step: PlanStep) -> dict[str, Any]:
    """What a report answers: where the plan stands, what has been stopped, and which rollback plan is at hand."""
    said: dict[str, Any] = {"step": step.state, "plan": plan.state, "held_until": plain(step.held_until)}
    if step.state == StepState.FAILED:
        standing = rules.standings([as_rule(each) for each in steps_of(plan)], now())
        said["stopped"] = [n for n, each in standing.items() if each is Standing.STOPPED]
        said["rollback_plans"] = [row.key for row in rollback_plans_for(plan, [step])]
    return said


@action("plan_step.settle", on=PlanStep, requires="releases.manage", lock=False, label="Settle by hand")
def settle_step(
    actor: Actor,
    step: PlanStep,
    *,
    done: Annotated[bool, Field("It is done", help="No: it has failed.")],
    note: Annotated[str, Field("What was done, or went wrong", long=True, max_length=5_000)],
) -> PlanStep:
    """Say how a step went that was done by hand. A step that a pipeline holds is not settled over its head."""
    plan, moment = _held(step), now()
    _running(plan)
    standing = rules.standings([as_rule(each) for each in steps_of(plan)], moment)[step.number]
    if standing not in (Standing.READY, Standing.LAPSED):
        refuse(
            f"plan_step.{standing}",
            f"{step} is {standing}"
            + (f": {step.held_by} holds it." if standing == Standing.RUNNING else "."),
            blocked_by=Ref.of(step),
        )
    if not note.strip():
        refuse("required", "Say what was done, or went wrong.", field="note")
    step.said, step.held_by = note.strip(), actor.name[:120]
    step.started_at = step.started_at or moment
    _settle(plan, step, StepState.DONE if done else StepState.FAILED, moment)
    return step


@action("plan_step.retry", on=PlanStep, requires="releases.manage", lock=False)
def retry_step(actor: Actor, step: PlanStep, *, reason: Reason) -> PlanStep:
    """Let a failed step be claimed again; what waits for it is no longer stopped."""
    plan = _held(step)
    _running(plan)
    if step.state != StepState.FAILED:
        refuse("plan_step.not_failed", f"{step} has not failed.", blocked_by=Ref.of(step))
    step.state, step.started_at, step.finished_at = StepState.WAITING, None, None
    step.save()
    return step


@action("plan_step.skip", on=PlanStep, requires="releases.manage", lock=False, danger=True)
def skip_step(actor: Actor, step: PlanStep, *, reason: Reason) -> PlanStep:
    """Leave a step out that nobody holds; what waits for it no longer does."""
    plan = _held(step)
    _running(plan)
    if step.state not in (StepState.WAITING, StepState.FAILED):
        refuse("plan_step.begun", f"{step} is {step.state}.", blocked_by=Ref.of(step))
    if not reason.strip():
        refuse("required", "Say why it is not needed.", field="reason")
    step.said = reason.strip()
    _settle(plan, step, StepState.SKIPPED, now())
    return step
