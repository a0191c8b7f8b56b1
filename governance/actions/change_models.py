"""Writes of change models: what they prescribe, and how pre-approval is earned, given and lost."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from django.db.models import Exists, OuterRef, QuerySet

from governance.checks import registry
from governance.models import Board, ChangeContributor, ChangeModel, ChangeRequest, PolicyDecision
from governance.queries import changes as queries
from governance.queries.policies import standing_of
from governance.queries.risk import assess as assessment_of
from governance.queries.risk import policy_in_force, questionnaire
from governance.rules.risk import points_of
from governance.states.changes import CHANGE_MODEL_STATES
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, refuse
from trains.models import Environment, Service

from .changes import check_window
from .deciding import raise_revision

Plan = Annotated[str, Field(long=True, max_length=20_000)]
Steps = Annotated[list | None, Field("Steps", help='In order, each {"title", "owner", "minutes"}.')]
Answers = Annotated[dict | None, Field("Risk answers", help="Answers that hold for every run.")]
Checks = Annotated[
    list[str] | None, Field("Checks", help="Kinds of checks that must pass before a run is approved.")
]
Rate = Annotated[Decimal, Field("Failure rate that loses pre-approval", min=0.01, max=1)]
Proof = Annotated[Decimal, Field("Failure rate to stay surely below", min=0.01, max=1)]


@action("change_model.create", creates=ChangeModel, requires="changes.author")
def create_model(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", max_length=120)],
    implementation_plan: Annotated[str, Field("Implementation plan", long=True, max_length=20_000)],
    test_plan: Annotated[str, Field("Test plan", long=True, max_length=20_000)],
    backout_plan: Annotated[str, Field("Backout plan", long=True, max_length=20_000)],
    communication_plan: Annotated[str, Field("Communication plan", long=True, max_length=20_000)] = "",
    description: Annotated[str, Field("What it is for", long=True, max_length=5_000)] = "",
    service: Annotated[Service | None, Field("Only for the service")] = None,
    type: Annotated[
        ChangeRequest.Type, Field("Type", choices=[("standard", "Standard"), ("normal", "Normal")])
    ] = ChangeRequest.Type.STANDARD,
    steps: Steps = None,
    answers: Answers = None,
    checks: Checks = None,
    threshold: Rate = Decimal("0.1"),
    proof: Proof = Decimal("0.2"),
) -> ChangeModel:
    """Write a model for a common type of change. It begins on trial; a board decides its runs."""
    if type == ChangeRequest.Type.EMERGENCY:
        refuse("change_model.emergency", "There is no model for emergencies.", field="type")
    if ChangeModel.objects.filter(name=name).exists():
        refuse("change_model.exists", f"There is a model {name} already.", field="name")
    _check_rates(threshold, proof)
    return ChangeModel.objects.create(
        name=name,
        implementation_plan=implementation_plan,
        test_plan=test_plan,
        backout_plan=backout_plan,
        communication_plan=communication_plan,
        description=description,
        service=service,
        type=type,
        steps=_checked_steps(steps or []),
        answers=_checked_answers(answers or {}),
        checks=_checked_kinds(checks or []),
        threshold=threshold,
        proof=proof,
    )


def _check_rates(threshold: Decimal, proof: Decimal) -> None:
    if proof < threshold:
        refuse(
            "change_model.rates",
            "What a model must prove cannot be stricter than what it loses pre-approval for.",
            field="proof",
        )


def _checked_steps(steps: list[Any]) -> list[dict[str, Any]]:
    found = []
    for number, step in enumerate(steps, 1):
        fits = isinstance(step, dict) and isinstance(step.get("title"), str) and step["title"].strip()
        minutes = step.get("minutes", 0) if isinstance(step, dict) else None
        if (
            not fits
            or not isinstance(minutes, int)
            or isinstance(minutes, bool)
            or not 0 <= minutes <= 10_000
        ):
            refuse(
                "change_model.step",
                f"Step {number} has a title, and whole minutes.",
                field=f"steps/{number - 1}",
            )
        owner = str(step.get("owner") or "")[:80]
        found.append({"title": step["title"].strip()[:200], "owner": owner, "minutes": minutes})
    if len(found) > 50:
        refuse("change_model.steps", "A model has at most 50 steps.", field="steps")
    return found


def _checked_answers(answers: dict[str, Any]) -> dict[str, str]:
    questions, _ = questionnaire(policy_in_force())
    by_key = {q["key"]: q for q in questions}
    for key, value in answers.items():
        if key not in by_key or points_of(by_key[key], value) is None:
            refuse(
                "risk.answer",
                f"The questionnaire has no answer {str(value)[:40]} to {str(key)[:40]}.",
                field="answers",
            )
    return {key: str(value) for key, value in answers.items()}


def _checked_kinds(kinds: list[str]) -> list[str]:
    for kind in kinds:
        if registry.find(kind) is None:
            refuse(
                "check.kind",
                f"There is no check of kind {kind[:60]}.",
                remedy=f"Kinds: {', '.join(registry.kinds())}.",
                field="checks",
            )
    return sorted(set(kinds))


@action("change_model.edit", on=ChangeModel, requires="changes.author", machine=CHANGE_MODEL_STATES)
def edit_model(
    actor: Actor,
    model: ChangeModel,
    *,
    implementation_plan: Annotated[
        str | None, Field("Implementation plan", long=True, max_length=20_000)
    ] = None,
    test_plan: Annotated[str | None, Field("Test plan", long=True, max_length=20_000)] = None,
    backout_plan: Annotated[str | None, Field("Backout plan", long=True, max_length=20_000)] = None,
    communication_plan: Annotated[
        str | None, Field("Communication plan", long=True, max_length=20_000)
    ] = None,
    description: Annotated[str | None, Field("What it is for", long=True, max_length=5_000)] = None,
    steps: Steps = None,
    answers: Answers = None,
    checks: Checks = None,
    threshold: Annotated[
        Decimal | None, Field("Failure rate that loses pre-approval", min=0.01, max=1)
    ] = None,
    proof: Annotated[Decimal | None, Field("Failure rate to stay surely below", min=0.01, max=1)] = None,
) -> ChangeModel:
    """Change what the model prescribes. What was pre-approved was the former version: it goes on trial again."""
    given = {
        "implementation_plan": implementation_plan,
        "test_plan": test_plan,
        "backout_plan": backout_plan,
        "communication_plan": communication_plan,
        "description": description,
        "steps": _checked_steps(steps) if steps is not None else None,
        "answers": _checked_answers(answers) if answers is not None else None,
        "checks": _checked_kinds(checks) if checks is not None else None,
        "threshold": threshold,
        "proof": proof,
    }
    differs = {n: v for n, v in given.items() if v is not None and v != getattr(model, n)}
    if not differs:
        refuse("change_model.unchanged", f"{model} says so already.")
    for name, value in differs.items():
        setattr(model, name, value)
    _check_rates(model.threshold, model.proof)
    if set(differs) != {"description"}:
        model.version += 1
        if model.state in (ChangeModel.State.PRE_APPROVED, ChangeModel.State.PROPOSED):
            model.state = ChangeModel.State.TRIAL
            model.standing = f"Version {model.version} is not pre-approved yet."
            model.decided_by, model.decided_at, model.proposed_by, model.proposal = None, None, None, {}
    model.save()
    return model


@action("change_model.propose", on=ChangeModel, requires="changes.author", machine=CHANGE_MODEL_STATES)
def propose(
    actor: Actor,
    model: ChangeModel,
    *,
    reason: Annotated[str, Field("Why", long=True, max_length=2_000)] = "",
) -> ChangeModel:
    """Propose that runs of this model need no board; its record goes with the proposal."""
    record = standing_of(model)
    if actor.user_id is None:
        refuse("change_model.person", "A person proposes it.", status=403)
    if not record.earns:
        missing = record.runs_missing()
        refuse(
            "change_model.not_earned",
            f"{record.sentence} The upper end has to be at most {record.proof:.0%}.",
            remedy=f"{missing} more runs without a failure would show it.",
            blocked_by=Ref.of(model),
        )
    model.proposal = {**record.figures(), "version": model.version, "reason": reason, "by": actor.name}
    model.proposed_by_id, model.decided_by, model.decided_at = actor.user_id, None, None
    model.standing = record.sentence[:300]
    return model


@action(
    "change_model.pre_approve",
    on=ChangeModel,
    requires="changes.chair",
    machine=CHANGE_MODEL_STATES,
    step_up=True,
)
def pre_approve(
    actor: Actor, model: ChangeModel, *, reason: Annotated[str, Field("Why", long=True, max_length=2_000)]
) -> ChangeModel:
    """Accept the proposal: from now on runs that keep to the model need no board."""
    if actor.user_id is None or actor.user_id == model.proposed_by_id:
        refuse(
            "segregation.proposer",
            "Whoever proposed it does not accept it.",
            remedy="Another person who runs the board decides.",
            status=403,
        )
    record = standing_of(model)
    if not record.earns:
        refuse(
            "change_model.not_earned",
            f"Since the proposal its record got worse: {record.sentence}",
            remedy="Decline the proposal.",
            blocked_by=Ref.of(model),
        )
    model.decided_by_id, model.decided_at = actor.user_id, now()
    model.standing = record.sentence[:300]
    return model


@action("change_model.decline", on=ChangeModel, requires="changes.chair", machine=CHANGE_MODEL_STATES)
def decline(
    actor: Actor, model: ChangeModel, *, reason: Annotated[str, Field("Why not", long=True, max_length=2_000)]
) -> ChangeModel:
    """Decline the proposal; the model stays on trial."""
    model.proposal = {**model.proposal, "declined": reason}
    return model


@action(
    "change_model.demote",
    on=ChangeModel,
    requires="changes.chair",
    machine=CHANGE_MODEL_STATES,
    danger=True,
    confirm="Its runs need a board again, those that are approved and not begun as well.",
)
def demote(
    actor: Actor, model: ChangeModel, *, reason: Annotated[str, Field("Reason", long=True, max_length=300)]
) -> ChangeModel:
    """Take the pre-approval away; the record begins anew."""
    model.standing = reason[:300]
    model.record_since = now()
    model.decided_by, model.decided_at, model.proposed_by = None, None, None
    # What somebody works on at this moment is left to the sweeper: waiting for it while holding the model could deadlock.
    for change in resting_on(model).select_for_update(skip_locked=True, of=("self",)).order_by("id"):
        fall_with_model(actor, change)
    return model


def resting_on(model: ChangeModel | None = None) -> QuerySet[ChangeRequest]:
    """Approved changes that have not begun and rest on a pre-approval: the model's, or all whose model has lost it."""
    by_model = PolicyDecision.objects.filter(
        change=OuterRef("pk"),
        revision=OuterRef("revision"),
        outcome=PolicyDecision.Outcome.APPROVED,
        model__isnull=False,
    )
    rows = ChangeRequest.objects.filter(
        Exists(by_model), state__in=[ChangeRequest.State.APPROVED, ChangeRequest.State.SCHEDULED]
    )
    return rows.filter(model=model) if model is not None else rows.filter(model__state=ChangeModel.State.LOST)


@action("change.fall_with_model", on=ChangeRequest, requires="changes.chair", hidden=True)
def fall_with_model(actor: Actor, change: ChangeRequest) -> ChangeRequest:
    """An approval that rests on a model's pre-approval ends with it; the board decides."""
    if change.model is None or not resting_on(change.model).filter(pk=change.pk).exists():
        refuse("change.rests_on_nothing", f"{change.key} rests on no pre-approval.")
    raise_revision(change, f"{change.model.key} lost its pre-approval")
    change.save()
    return change


@action("change_model.retire", on=ChangeModel, requires="changes.chair", machine=CHANGE_MODEL_STATES)
def retire(
    actor: Actor, model: ChangeModel, *, reason: Annotated[str, Field("Reason", long=True)] = ""
) -> ChangeModel:
    """Take the model out of use."""
    return model


def judge_record(actor: Actor, change: ChangeRequest, params: dict[str, Any]) -> None:
    """After a run has ended: a model whose record has become too bad loses its pre-approval at once."""
    if change.model_id is None:
        return
    model = ChangeModel.objects.select_for_update().get(pk=change.model_id)
    record = standing_of(model)
    if model.state in (ChangeModel.State.PRE_APPROVED, ChangeModel.State.PROPOSED) and record.loses:
        allowed = f"{float(model.threshold):.1%} is allowed"
        system = Actor.system(actor.organization_id, f"{change.key} ended: {record.sentence}", route="rule")
        demote(system, model, reason=f"{record.sentence} {allowed}; the last run was {change.key}.")
    elif model.standing != record.sentence[:300]:
        model.standing = record.sentence[:300]
        model.save()


@action(
    "change.create_from_model", creates=ChangeRequest, requires="changes.author", label="New from a model"
)
def create_from_model(
    actor: Actor,
    *,
    model: Annotated[
        ChangeModel, Field("Model", rows=lambda actor, subject: ChangeModel.objects.exclude(state="retired"))
    ],
    service: Annotated[Service | None, Field("Service", help="Empty: the model's own.")] = None,
    title: Annotated[str, Field("Title", help="Empty: the model's name.", max_length=200)] = "",
    board: Annotated[
        Board | None, Field("Board", help="Decides while the model is not pre-approved.")
    ] = None,
    environment: Environment | None = None,
    window_starts: Annotated[datetime | None, Field("Window from")] = None,
    window_ends: Annotated[datetime | None, Field("Window until")] = None,
) -> ChangeRequest:
    """Write a change request after a model: plans, steps and risk answers are the model's."""
    if actor.user_id is None:
        refuse("change.author", "A change request has a person or service account as its author.", status=403)
    if model.state == ChangeModel.State.RETIRED:
        refuse("change_model.retired", f"{model} is out of use.", field="model")
    if model.service is not None and service is not None and service.pk != model.service_id:
        refuse("change_model.service", f"{model} is for {model.service}.", field="service")
    check_window(window_starts, window_ends)
    chosen = board or Board.objects.filter(kind=Board.Kind.CAB).order_by("created_at").first()
    if chosen is None:
        refuse("board.none", "There is no change board yet.", remedy="Set up a board.", field="board")
    return write_from_model(
        actor,
        model,
        title=title or model.name,
        board=chosen,
        service=service or model.service,
        environment=environment,
        window_starts=window_starts,
        window_ends=window_ends,
    )


def write_from_model(
    actor: Actor, model: ChangeModel, *, title: str, board: Board, **more: Any
) -> ChangeRequest:
    """The change that a model prescribes, on a board; `more` are further fields of it."""
    steps = "\n".join(
        f"{n}. {s['title']}"
        + (f" ({s['owner']}, {s['minutes']} min)" if s["owner"] else f" ({s['minutes']} min)")
        for n, s in enumerate(model.steps, 1)
    )
    change = ChangeRequest(
        title=title[:200],
        board=board,
        type=model.type,
        implementation_plan=model.implementation_plan,
        test_plan=model.test_plan,
        communication_plan="\n\n".join(
            filter(None, (model.communication_plan, steps and f"Steps:\n{steps}"))
        ),
        backout_plan=model.backout_plan,
        model=model,
        model_version=model.version,
        risk_answers=dict(model.answers),
        author_id=actor.user_id,
        **{"service": model.service} | more,
    )
    questions, _ = questionnaire(policy_in_force())
    if all(q["key"] in change.risk_answers for q in questions):
        change.assessment = assessment_of(change)
        change.risk, change.assessed_at = change.assessment["risk"], now()
    change.content, change.content_digest = queries.present_content(change)
    change.save()
    ChangeContributor.objects.create(change=change, user_id=actor.user_id, act=ChangeContributor.Act.AUTHORED)
    return change
