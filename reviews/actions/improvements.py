"""Verbs that carry a finding into the life cycle: proposed to whoever owns the thing, applied through the owner's own verb."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any

from django.contrib.auth import get_user_model

from governance.checks import registry as checks
from governance.models import Document, Gate, ReadinessChecklist, RollbackRule
from governance.queries.risk import policy_in_force
from governance.rules.readiness_review import AREAS
from planning.actions.reports import BusinessRisk, Impact, Likelihood
from problems.queries.evidence import record_of
from releasetrain.audit.doorway import Actor, Field, Refusal, action, register_guard
from releasetrain.interface.resources import by_plural
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref, refuse
from releasetrain.tenancy.models import Organization
from reviews.improvements.raw import editor_of
from reviews.improvements.registry import plan, target_of
from reviews.models import ImprovementKind, ImprovementProposal, ReviewCause
from reviews.queries.owners import people_with
from reviews.queries.policies import policy_for
from reviews.states import CAUSE_STATES, IMPROVEMENT_STATES
from trains.models import CanaryConfig, ChecklistTemplate, Train

User = get_user_model()
Kind = ImprovementKind
DAYS = 14

Why = Annotated[str, Field("Why", help="Empty: the finding says it.", long=True, max_length=2_000)]
Owner = Annotated[
    User | None,  # type: ignore[valid-type]
    Field("Owner", help="Empty: somebody who may apply it."),
]
Due = Annotated[date | None, Field("Due", help=f"Empty: in {DAYS} days.")]
Weight = Annotated[int, Field("Weight", min=1, max=10)]


def _propose(
    actor: Actor,
    cause: ReviewCause,
    kind: ImprovementKind,
    target: Any,
    change: dict[str, Any],
    *,
    title: str,
    why: str,
    owner: Any,
    due_on: date | None,
) -> ImprovementProposal:
    """A tracked proposal. What could not be applied today is not proposed."""
    if due_on is not None and due_on < now().date():
        refuse("improvement.past", "The day has passed.", field="due_on", status=422)
    wanted = plan(kind, target, change, f"proposed from {cause.review.key}")
    able = people_with(wanted.permission, wanted.scope)
    if owner is not None and not able.filter(pk=owner.pk).exists():
        names = ", ".join(str(person) for person in able[:3])
        refuse(
            "improvement.owner",
            f"{owner} may not change {target}: that takes {wanted.permission}.",
            remedy=f"Name one of those who may: {names}."
            if names
            else "Somebody needs that permission first.",
            field="owner",
            status=422,
        )
    if owner is None and kind == Kind.ARCHITECTURE:
        owner = _seat(cause)
    if owner is None:
        owner = able.exclude(pk=actor.user_id).first() or able.first()
    meta = target._meta
    open_ = ImprovementProposal.objects.filter(
        kind=kind, target_id=target.pk, change=change, state=ImprovementProposal.State.OPEN
    ).first()
    if open_ is not None:
        refuse("improvement.twice", f"{open_} asks for the same.", blocked_by=Ref.of(open_))
    return ImprovementProposal.objects.create(
        review=cause.review,
        cause=cause,
        kind=kind,
        title=title[:200],
        reason=why.strip() or cause.statement,
        target_kind=str(meta.model_name),
        target_id=target.pk,
        target_label=str(target)[:200],
        change=change,
        lines=wanted.lines,
        permission=wanted.permission,
        owner=owner,
        proposed_by_id=actor.user_id,
        due_on=due_on or now().date() + timedelta(days=DAYS),
    )


def _seat(cause: ReviewCause) -> Any:
    """Somebody of the architecture board."""
    board = policy_for(cause.review.service).board
    seats = board.members.filter(deputy_of__isnull=True).select_related("user") if board else ()
    return next((seat.user for seat in seats if seat.in_force(now())), None)


@action("review_cause.propose_by_rule", on=ReviewCause, requires="reviews.facilitate", hidden=True)
def propose_by_rule(
    actor: Actor,
    cause: ReviewCause,
    *,
    kind: ImprovementKind,
    change: dict,
    title: Annotated[str, Field("Title", max_length=200)],
    why: Annotated[str, Field("Why", long=True)],
) -> ImprovementProposal:
    """Propose what a rule asks for, to the review's own train."""
    return _propose(actor, cause, kind, cause.review, change, title=title, why=why, owner=None, due_on=None)


def _gates(actor: Actor, cause: Any) -> Any:
    return Gate.objects.exclude(mode=Gate.Mode.RETIRED).select_related("environment", "train", "service")


def _check_kinds() -> list[tuple[str, str]]:
    return [(kind, checks.find(kind).title) for kind in checks.kinds()]  # type: ignore[union-attr]


@action(
    "review_cause.propose_gate",
    on=ReviewCause,
    requires="reviews.contribute",
    machine=CAUSE_STATES,
    label="Change a gate",
)
def propose_gate(
    actor: Actor,
    cause: ReviewCause,
    *,
    gate: Annotated[Gate, Field("Gate", rows=_gates)],
    check: Annotated[str, Field("Check", help="Added where the gate has none of it.", choices=_check_kinds)],
    parameters: Annotated[
        dict | None, Field("Parameters", help='What becomes different, e.g. {"minimum": 90}.')
    ] = None,
    name: Annotated[
        str, Field("Name of the check", help="Where the gate has several of it.", max_length=80)
    ] = "",
    max_age_hours: Annotated[int | None, Field("Hours that evidence counts", min=1, max=8784)] = None,
    why: Why = "",
    owner: Owner = None,
    due_on: Due = None,
) -> ImprovementProposal:
    """Propose a check of a gate, or another threshold of one: applied, it is the gate's next version."""
    change = {"check": check, "name": name, "parameters": parameters or {}, "max_age_hours": max_age_hours}
    title = f"{checks.find(check).title} in {gate.name}"  # type: ignore[union-attr]
    return _propose(actor, cause, Kind.GATE, gate, change, title=title, why=why, owner=owner, due_on=due_on)


def _checklists(actor: Actor, cause: Any) -> Any:
    return ReadinessChecklist.objects.filter(retired_at__isnull=True)


@action(
    "review_cause.propose_checklist",
    on=ReviewCause,
    requires="reviews.contribute",
    machine=CAUSE_STATES,
    label="Ask in a readiness checklist",
)
def propose_checklist(
    actor: Actor,
    cause: ReviewCause,
    *,
    checklist: Annotated[ReadinessChecklist, Field("Checklist", rows=_checklists)],
    question: Annotated[str, Field("Question", max_length=300)],
    area: Annotated[str, Field("Area", choices=list(AREAS.items()))] = "other",
    weight: Weight = 2,
    mandatory: Annotated[bool, Field("Mandatory")] = False,
    why: Why = "",
    owner: Owner = None,
    due_on: Due = None,
) -> ImprovementProposal:
    """Propose a question of a readiness checklist."""
    change = {"question": question.strip(), "area": area, "weight": weight, "mandatory": mandatory}
    return _propose(
        actor, cause, Kind.CHECKLIST, checklist, change, title=question, why=why, owner=owner, due_on=due_on
    )


def _rollback_rules(actor: Actor, cause: Any) -> Any:
    return RollbackRule.objects.filter(retired_at__isnull=True).select_related("service")


@action(
    "review_cause.propose_rollback",
    on=ReviewCause,
    requires="reviews.contribute",
    machine=CAUSE_STATES,
    label="Change a rollback threshold",
)
def propose_rollback(
    actor: Actor,
    cause: ReviewCause,
    *,
    authorisation: Annotated[RollbackRule, Field("Rollback authorisation", rows=_rollback_rules)],
    threshold: Annotated[
        str, Field("Threshold", help="One line, like: error rate > 2 % for 5 min.", max_length=200)
    ],
    why: Why = "",
    owner: Owner = None,
    due_on: Due = None,
) -> ImprovementProposal:
    """Propose from which measurement on a rollback needs nobody's leave."""
    return _propose(
        actor,
        cause,
        Kind.ROLLBACK,
        authorisation,
        {"threshold": threshold.strip()},
        title=f"Roll back at {threshold.strip()}",
        why=why,
        owner=owner,
        due_on=due_on,
    )


@action(
    "review_cause.propose_runbook",
    on=ReviewCause,
    requires="reviews.contribute",
    machine=CAUSE_STATES,
    label="Change a runbook",
)
def propose_runbook(
    actor: Actor,
    cause: ReviewCause,
    *,
    document: Annotated[Document, Field("Document")],
    section: Annotated[
        str, Field("Section", help="Its heading; written anew where it is there.", max_length=120)
    ],
    text: Annotated[str, Field("Text", long=True, max_length=20_000)],
    why: Why = "",
    owner: Owner = None,
    due_on: Due = None,
) -> ImprovementProposal:
    """Propose a section of a runbook: applied, it is a new version that a second person approves."""
    change = {"section": section.strip(), "text": text.strip()}
    return _propose(
        actor,
        cause,
        Kind.RUNBOOK,
        document,
        change,
        title=f"{document.title}: {section.strip()}",
        why=why,
        owner=owner,
        due_on=due_on,
    )


@action(
    "review_cause.propose_test_scope",
    on=ReviewCause,
    requires="reviews.contribute",
    machine=CAUSE_STATES,
    label="Add test scope",
)
def propose_test_scope(
    actor: Actor,
    cause: ReviewCause,
    *,
    line: Annotated[
        str, Field("What is tested from now on", help="A line of the Definition of Done.", max_length=200)
    ],
    train: Annotated[Train | None, Field("Train", help="Empty: that of the service.")] = None,
    why: Why = "",
    owner: Owner = None,
    due_on: Due = None,
) -> ImprovementProposal:
    """Propose a line of the Definition of Done: every open feature of the train has to meet it."""
    return _propose(
        actor,
        cause,
        Kind.TEST_SCOPE,
        _train(cause, train),
        {"line": " ".join(line.split())},
        title=line,
        why=why,
        owner=owner,
        due_on=due_on,
    )


def _train(cause: ReviewCause, train: Train | None) -> Train:
    found: Train | None = train or cause.review.service.train
    if found is None:
        refuse(
            "improvement.train",
            f"{cause.review.service.name} belongs to no train.",
            remedy="Name the train.",
            field="train",
            status=422,
        )
    assert found is not None
    return found


@action(
    "review_cause.propose_staging_test",
    on=ReviewCause,
    requires="reviews.contribute",
    machine=CAUSE_STATES,
    label="Make a ticket a staging test",
)
def propose_staging_test(
    actor: Actor,
    cause: ReviewCause,
    *,
    ticket: Annotated[str, Field("Support ticket", help="Its number.", max_length=100)],
    case: Annotated[str, Field("Test case", help="Given, when, then.", max_length=300)],
    likelihood: Likelihood = 3,
    impact: Impact = 3,
    url: Annotated[str, Field("Address of the ticket", max_length=500)] = "",
    train: Annotated[Train | None, Field("Train", help="Empty: that of the service.")] = None,
    why: Why = "",
    owner: Owner = None,
    due_on: Due = None,
) -> ImprovementProposal:
    """Propose a test case in staging from a support ticket; it goes to the backlog with the ticket."""
    change = {
        "ticket": ticket.strip(),
        "case": case.strip(),
        "likelihood": likelihood,
        "impact": impact,
        "url": url.strip(),
    }
    title = f"Staging test of {ticket.strip()}"
    return _propose(
        actor,
        cause,
        Kind.STAGING_TEST,
        _train(cause, train),
        change,
        title=title,
        why=why,
        owner=owner,
        due_on=due_on,
    )


@action(
    "review_cause.propose_cab_criterion",
    on=ReviewCause,
    requires="reviews.contribute",
    machine=CAUSE_STATES,
    label="Ask about risk at the CAB",
)
def propose_cab_criterion(
    actor: Actor,
    cause: ReviewCause,
    *,
    question: Annotated[str, Field("Question", help="Yes is the riskier answer.", max_length=200)],
    weight: Weight = 2,
    why: Why = "",
    owner: Owner = None,
    due_on: Due = None,
) -> ImprovementProposal:
    """Propose a risk criterion of the change advisory board: a question of its risk questionnaire."""
    policy = policy_in_force()
    if policy is None:
        refuse(
            "improvement.no_policy",
            "No approval policy is published; changes are judged by the standard questions.",
            remedy="Publish the approval policy once; then it can be changed.",
        )
    assert policy is not None
    change = {"question": question.strip(), "weight": weight}
    return _propose(
        actor, cause, Kind.CAB_CRITERION, policy, change, title=question, why=why, owner=owner, due_on=due_on
    )


def _templates(actor: Actor, cause: Any) -> Any:
    return ChecklistTemplate.objects.filter(retired_at__isnull=True).select_related("train")


@action(
    "review_cause.propose_onboarding",
    on=ReviewCause,
    requires="reviews.contribute",
    machine=CAUSE_STATES,
    label="Tell joining teams",
)
def propose_onboarding(
    actor: Actor,
    cause: ReviewCause,
    *,
    template: Annotated[ChecklistTemplate, Field("Checklist template", rows=_templates)],
    note: Annotated[str, Field("Note", max_length=300)],
    mandatory: Annotated[bool, Field("Mandatory")] = False,
    why: Why = "",
    owner: Owner = None,
    due_on: Due = None,
) -> ImprovementProposal:
    """Propose a note of the onboarding checklist."""
    change = {"note": " ".join(note.split()), "mandatory": mandatory}
    return _propose(
        actor, cause, Kind.ONBOARDING, template, change, title=note, why=why, owner=owner, due_on=due_on
    )


@action(
    "review_cause.propose_debt",
    on=ReviewCause,
    requires="reviews.contribute",
    machine=CAUSE_STATES,
    label="Propose debt to pay off",
)
def propose_debt(
    actor: Actor,
    cause: ReviewCause,
    *,
    title: Annotated[str, Field("What is to be improved", max_length=100)],
    likelihood: Likelihood,
    impact: Impact,
    business_risk: BusinessRisk,
    why: Why = "",
    owner: Owner = None,
    due_on: Due = None,
) -> ImprovementProposal:
    """Propose a debt item with the business risk of leaving it."""
    change = _exposed(title, likelihood, impact, business_risk)
    return _propose(
        actor, cause, Kind.DEBT, cause.review, change, title=title, why=why, owner=owner, due_on=due_on
    )


def _exposed(title: str, likelihood: int, impact: int, business_risk: str) -> dict[str, Any]:
    if not title.strip():
        refuse("feature.title", "Say what is to be improved.", field="title", status=422)
    if not business_risk.strip():
        refuse("report.risk", "Say what happens while it is not built.", field="business_risk", status=422)
    return {
        "title": title.strip(),
        "likelihood": likelihood,
        "impact": impact,
        "business_risk": business_risk.strip(),
    }


@action(
    "review_cause.propose_architecture",
    on=ReviewCause,
    requires="reviews.contribute",
    machine=CAUSE_STATES,
    label="Bring to the architecture board",
)
def propose_architecture(
    actor: Actor,
    cause: ReviewCause,
    *,
    title: Annotated[str, Field("What the board decides", max_length=100)],
    likelihood: Likelihood,
    impact: Impact,
    business_risk: BusinessRisk,
    why: Why = "",
    owner: Owner = None,
    due_on: Due = None,
) -> ImprovementProposal:
    """Bring a recurring way of failing to the architecture board, with its history attached."""
    if policy_for(cause.review.service).board is None:
        refuse(
            "improvement.no_board",
            "The standard of reviews names no architecture board.",
            remedy="Name one in the standard of reviews.",
        )
    change = _exposed(title, likelihood, impact, business_risk)
    return _propose(
        actor,
        cause,
        Kind.ARCHITECTURE,
        cause.review,
        change,
        title=title,
        why=why,
        owner=owner,
        due_on=due_on,
    )


Target = Annotated[
    str, Field("What changes", help="Its key, or its address in the API, e.g. slos/0192….", max_length=200)
]
Given = Annotated[
    dict, Field("Parameters", help='Those of its edit verb that become different, e.g. {"target": 99.5}.')
]


def _canaries(actor: Actor, cause: Any) -> Any:
    return CanaryConfig.objects.filter(retired_at__isnull=True)


@action(
    "review_cause.propose_canary",
    on=ReviewCause,
    requires="reviews.contribute",
    machine=CAUSE_STATES,
    label="Change a canary",
)
def propose_canary(
    actor: Actor,
    cause: ReviewCause,
    *,
    config: Annotated[CanaryConfig, Field("Canary configuration", rows=_canaries)],
    metric: Annotated[
        str, Field("Metric", help="Name of the series; added where it has none.", max_length=200)
    ],
    settings: Annotated[
        dict | None,
        Field("How it is judged", help='E.g. {"direction": "increase", "critical": true, "tolerance": 0.1}.'),
    ] = None,
    passes: Annotated[float | None, Field("Score that passes", min=1, max=100)] = None,
    marginal: Annotated[float | None, Field("Score below which it fails", min=1, max=100)] = None,
    why: Why = "",
    owner: Owner = None,
    due_on: Due = None,
) -> ImprovementProposal:
    """Propose another metric or threshold of a canary analysis."""
    change = {"metric": metric.strip(), "settings": settings or {}, "passes": passes, "marginal": marginal}
    title = f"{metric.strip()} in {config.name}"
    return _propose(
        actor, cause, Kind.CANARY, config, change, title=title, why=why, owner=owner, due_on=due_on
    )


@action(
    "review_cause.propose_slo",
    on=ReviewCause,
    requires="reviews.contribute",
    machine=CAUSE_STATES,
    label="Adjust an SLO",
)
def propose_slo(
    actor: Actor,
    cause: ReviewCause,
    *,
    target: Target,
    parameters: Given,
    why: Why = "",
    owner: Owner = None,
    due_on: Due = None,
) -> ImprovementProposal:
    """Propose another objective of a service, or another window of it."""
    found = _named(target)
    return _propose(
        actor,
        cause,
        Kind.SLO,
        found,
        {"parameters": parameters},
        title=f"Objective {found}",
        why=why,
        owner=owner,
        due_on=due_on,
    )


def _named(reference: str) -> Any:
    """The record that a reference names, if it is one that can be changed."""
    plural, _, one = reference.strip().strip("/").rpartition("/")
    resource = by_plural(plural.rpartition("/")[2]) if plural else None
    found = None
    if resource is not None:
        condition = resource.condition(one)
        found = resource.model._default_manager.filter(condition).first() if condition is not None else None
    elif not plural:
        found = record_of(one)
    if found is None or isinstance(found, Organization) or editor_of(type(found)) is None:
        refuse(
            "improvement.target",
            f"{reference[:80]} names nothing that can be changed.",
            remedy="Give its key, or its address in the API such as slos/0192….",
            field="target",
            status=422,
        )
    return found


def supported_only(actor: Actor, cause: Any, params: dict[str, Any]) -> Refusal | None:
    """Only an accepted finding changes anything: a hypothesis leads to nothing."""
    if cause is None or cause.state == ReviewCause.State.SUPPORTED:
        return None
    return Refusal(
        "improvement.hypothesis",
        "A hypothesis changes nothing.",
        remedy="Support it by a fact of the review first.",
        blocked_by=Ref.of(cause.review),
    )


for _kind in ImprovementKind:
    register_guard(f"review_cause.propose_{_kind.value}", supported_only)


# -- what the owner does with it


@action(
    "improvement.apply",
    on=ImprovementProposal,
    requires="organization.view",
    machine=IMPROVEMENT_STATES,
    label="Apply",
    confirm="The change is made now, in your name, and stands in the history of what it changes.",
)
def apply_improvement(
    actor: Actor,
    proposal: ImprovementProposal,
    *,
    decision: Annotated[str, Field("Note", help="What you considered.", long=True, max_length=2_000)] = "",
) -> ImprovementProposal:
    """Make the change through the verb of the app that owns the thing; its own rules decide whether it may be made."""
    target = _standing(proposal)
    wanted = plan(proposal.kind, target, proposal.change, source_of(proposal))
    about = () if wanted.action.on is None else (wanted.subject,)
    made = wanted.action(actor, *about, **wanted.params)
    proposal.lines = wanted.lines
    proposal.decision = decision.strip()
    proposal.decided_at, proposal.decided_by_id = now(), actor.user_id
    if made is not None:
        proposal.result_kind, proposal.result_id = str(made._meta.model_name), str(made.pk)
    return proposal


def source_of(proposal: ImprovementProposal) -> str:
    """Where the change comes from, as the history of what it changes says it."""
    return f"{proposal.key} from {proposal.review.key}: {proposal.reason}"[:500]


def _standing(proposal: ImprovementProposal) -> Any:
    target = target_of(proposal.target_kind, proposal.target_id)
    if target is None:
        refuse(
            "improvement.gone",
            f"{proposal.target_label} is no longer there.",
            remedy="Decline the proposal, or withdraw it.",
        )
    return target


Reason = Annotated[str, Field("Reason", long=True, max_length=2_000)]


@action(
    "improvement.decline",
    on=ImprovementProposal,
    requires="organization.view",
    machine=IMPROVEMENT_STATES,
    danger=True,
)
def decline_improvement(
    actor: Actor, proposal: ImprovementProposal, *, reason: Reason
) -> ImprovementProposal:
    """Say why it will not be done; the review keeps the answer."""
    return _ended(actor, proposal, reason)


@action(
    "improvement.withdraw",
    on=ImprovementProposal,
    requires="reviews.contribute",
    machine=IMPROVEMENT_STATES,
    danger=True,
)
def withdraw_improvement(
    actor: Actor, proposal: ImprovementProposal, *, reason: Reason
) -> ImprovementProposal:
    """Take the proposal back."""
    return _ended(actor, proposal, reason)


def _ended(actor: Actor, proposal: ImprovementProposal, reason: str) -> ImprovementProposal:
    if not reason.strip():
        refuse("required", "Say why.", field="reason", status=422)
    proposal.decision, proposal.decided_at, proposal.decided_by_id = reason.strip(), now(), actor.user_id
    return proposal


@action("improvement.edit", on=ImprovementProposal, requires="reviews.contribute", machine=IMPROVEMENT_STATES)
def edit_improvement(
    actor: Actor,
    proposal: ImprovementProposal,
    *,
    owner: Owner = None,
    due_on: Annotated[date | None, Field("Due")] = None,
    reason: Annotated[str, Field("Reason", long=True)] = "",
) -> ImprovementProposal:
    """Give the proposal to another owner, or another day; history keeps both."""
    if due_on is not None and due_on < now().date():
        refuse("improvement.past", "The day has passed.", field="due_on", status=422)
    if owner is not None:
        able = people_with(proposal.permission, _standing(proposal))
        if not able.filter(pk=owner.pk).exists():
            refuse(
                "improvement.owner",
                f"{owner} may not change {proposal.target_label}: that takes {proposal.permission}.",
                field="owner",
                status=422,
            )
    proposal.owner = owner or proposal.owner
    proposal.due_on = due_on or proposal.due_on
    proposal.save()
    return proposal


def owners_only(actor: Actor, proposal: Any, params: dict[str, Any]) -> Refusal | None:
    """Whoever may change the thing decides; a question to the architecture board is its members' to decide."""
    if proposal is None:
        return None
    if proposal.kind == ImprovementKind.ARCHITECTURE:
        board = policy_for(proposal.review.service).board
        seats = board.members.filter(user=actor.user_id) if board else None
        if seats is None or not any(seat.in_force(now()) for seat in seats):
            return Refusal(
                "improvement.board",
                f"{board or 'The architecture board'} decides this.",
                remedy="One of its members applies or declines it.",
                status=403,
            )
    target = target_of(proposal.target_kind, proposal.target_id)
    if actor.may(proposal.permission, target if target is not None else proposal.review):
        return None
    return Refusal(
        "improvement.not_yours",
        f"This changes {proposal.target_label}; you need the permission {proposal.permission} there.",
        remedy=f"{proposal.owner} decides it." if proposal.owner else "Name an owner who may.",
        status=403,
    )


for _verb in ("apply", "decline"):
    register_guard(f"improvement.{_verb}", owners_only)
