"""Verbs of threat models: elements, threats, the controls against them, and the review by a second person."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from governance.models import ModelledThreat, ThreatModel
from governance.models.compliance import Stride
from governance.rules.threats import controls_fault, elements_fault
from governance.states.readiness import THREAT_MODEL_STATES
from releasetrain.audit.doorway import Actor, Field, action, explain_constraint
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref, refuse
from trains.models import Release, Service

LONGEST = timedelta(days=180)
SEVERITIES = [(1, "Critical"), (2, "High"), (3, "Medium"), (4, "Low")]

Reason = Annotated[str, Field("Reason", long=True)]
Elements = Annotated[
    list | None,
    Field("Elements", help='[{"name": "Login form", "kind": "process", "boundary": "Internet"}]'),
]
Controls = Annotated[
    list,
    Field(
        "Controls",
        help='[{"title": "Rate limit", "state": "planned", "evidence": ""}]; planned, implemented or verified.',
    ),
]

explain_constraint("threat_model_of_something", "Name the service, release or backlog item it is about.")
explain_constraint("threat_model_reviewed_by_another", "Whoever wrote a threat model does not approve it.")


def _elements(given: Any) -> list[dict[str, Any]]:
    fault = elements_fault(given)
    if fault:
        refuse("threat_model.elements", fault, field="elements")
    return list(given)


def _controls(given: Any) -> list[dict[str, Any]]:
    fault = controls_fault(given)
    if fault:
        refuse("modelled_threat.controls", fault, field="controls")
    return [{"evidence": "", **row} for row in given]


@action("threat_model.create", creates=ThreatModel, requires="changes.author", within="service")
def create_threat_model(
    actor: Actor,
    *,
    title: Annotated[str, Field("Title", max_length=200)],
    service: Annotated[Service | None, Field("Service")] = None,
    release: Annotated[Release | None, Field("Release")] = None,
    backlog_item: Annotated[str, Field("Backlog item", help="Key of the feature.", max_length=40)] = "",
    elements: Elements = None,
    assumptions: Annotated[str, Field("Assumptions", long=True)] = "",
) -> ThreatModel:
    """Begin a threat model of a service, a release or a feature."""
    if not (service or release or backlog_item.strip()):
        refuse(
            "threat_model.subject", "Name the service, release or backlog item it is about.", field="service"
        )
    if actor.user_id is None:
        refuse("threat_model.person", "A person writes a threat model.", status=403)
    return ThreatModel.objects.create(
        title=title.strip(),
        service=service,
        release=release,
        source_key=backlog_item.strip().upper(),
        elements=_elements(elements or []),
        assumptions=assumptions,
        author_id=actor.user_id,
    )


@action("threat_model.edit", on=ThreatModel, requires="changes.author", machine=THREAT_MODEL_STATES)
def edit_threat_model(
    actor: Actor,
    model: ThreatModel,
    *,
    title: Annotated[str | None, Field("Title", max_length=200)] = None,
    elements: Elements = None,
    assumptions: Annotated[str | None, Field("Assumptions", long=True)] = None,
) -> ThreatModel:
    """Change a model; an approval falls with it."""
    if title and title.strip():
        model.title = title.strip()
    if elements is not None:
        kept = {row["name"] for row in _elements(elements)}
        lost = sorted(set(model.threats.values_list("element", flat=True)) - kept)
        if lost:
            refuse("threat_model.element_gone", f"{lost[0]} has threats; it stays.", field="elements")
        model.elements = elements
    if assumptions is not None:
        model.assumptions = assumptions
    _fall(model)
    return model


@action(
    "threat_model.add_threat",
    on=ThreatModel,
    requires="changes.author",
    machine=THREAT_MODEL_STATES,
    label="Add a threat",
)
def add_threat(
    actor: Actor,
    model: ThreatModel,
    *,
    element: Annotated[str, Field("Element", max_length=80)],
    category: Annotated[Stride, Field("Kind of threat")],
    title: Annotated[str, Field("Threat", max_length=200)],
    severity: Annotated[int, Field("Severity", choices=SEVERITIES)] = 3,
    controls: Annotated[list | None, Field("Controls")] = None,
) -> ModelledThreat:
    """Add a threat to an element, with the controls against it. An approval falls."""
    names = [row["name"] for row in model.elements]
    if element not in names:
        refuse(
            "modelled_threat.element",
            f"The model has no element {element}.",
            remedy=f"Its elements: {', '.join(names) or 'none yet'}.",
            field="element",
        )
    if not title.strip():
        refuse("modelled_threat.title", "Say what may happen.", field="title")
    _fall(model)
    listed = _controls(controls or [])
    return ModelledThreat.objects.create(
        model=model,
        element=element,
        category=category,
        title=title.strip(),
        severity=severity,
        controls=listed,
        state=_state(listed),
    )


def _fall(model: ThreatModel) -> None:
    model.reviewed_by, model.reviewed_at = None, None


def _state(controls: list[dict[str, Any]]) -> str:
    closed = bool(controls) and all(row["state"] != "planned" for row in controls)
    return str(ModelledThreat.State.MITIGATED if closed else ModelledThreat.State.OPEN)


@action(
    "threat_model.submit",
    on=ThreatModel,
    requires="changes.author",
    machine=THREAT_MODEL_STATES,
    label="Submit for review",
)
def submit_threat_model(actor: Actor, model: ThreatModel) -> ThreatModel:
    """Hand the model to a reviewer."""
    if not model.threats.exists():
        refuse("threat_model.empty", f"{model} names no threat.", remedy="Add its threats.")
    return model


@action(
    "threat_model.approve",
    on=ThreatModel,
    requires="findings.manage",
    machine=THREAT_MODEL_STATES,
    step_up=True,
)
def approve_threat_model(
    actor: Actor,
    model: ThreatModel,
    *,
    conclusion: Annotated[str, Field("Conclusion", long=True)],
) -> ThreatModel:
    """Say as a second person that the model is sound; open controls go on blocking until they are closed."""
    if actor.user_id == model.author_id:
        refuse("threat_model.own", "You wrote this model; somebody else approves it.", status=403)
    if not conclusion.strip():
        refuse("threat_model.conclusion", "Say what you found.", field="conclusion")
    model.reviewed_by_id, model.reviewed_at = actor.user_id, now()
    model.conclusion = conclusion.strip()
    return model


@action(
    "threat_model.send_back",
    on=ThreatModel,
    requires="findings.manage",
    machine=THREAT_MODEL_STATES,
    label="Send back",
)
def send_back_threat_model(actor: Actor, model: ThreatModel, *, reason: Reason) -> ThreatModel:
    """Send a model back, saying what is missing."""
    model.conclusion = reason
    return model


@action(
    "threat_model.retire", on=ThreatModel, requires="changes.author", machine=THREAT_MODEL_STATES, danger=True
)
def retire_threat_model(actor: Actor, model: ThreatModel, *, reason: Reason) -> ThreatModel:
    """Take a model out of use; what needs one needs another."""
    model.conclusion = reason
    return model


def _living(threat: ModelledThreat) -> None:
    if threat.model.state == ThreatModel.State.RETIRED:
        refuse("threat_model.retired", f"{threat.model} is retired.", blocked_by=Ref.of(threat.model))


@action("modelled_threat.set_controls", on=ModelledThreat, requires="changes.author", label="Set controls")
def set_controls(actor: Actor, threat: ModelledThreat, *, controls: Controls) -> ModelledThreat:
    """Say what stands against a threat, and how far each control is."""
    _living(threat)
    threat.controls = _controls(controls)
    threat.state = _state(threat.controls)
    threat.decided_by, threat.decision, threat.accepted_until = None, "", None
    threat.save()
    return threat


@action("modelled_threat.accept", on=ModelledThreat, requires="waivers.grant", step_up=True)
def accept_threat(
    actor: Actor,
    threat: ModelledThreat,
    *,
    until: Annotated[datetime, Field("Accepted until")],
    reason: Reason,
) -> ModelledThreat:
    """Live with a threat for a while; never by whoever wrote the model."""
    _decide(actor, threat, reason)
    moment = now()
    if not moment < until <= moment + LONGEST:
        refuse(
            "modelled_threat.until", f"A threat is accepted for at most {LONGEST.days} days.", field="until"
        )
    threat.state, threat.accepted_until = ModelledThreat.State.ACCEPTED, until
    threat.save()
    return threat


@action("modelled_threat.dismiss", on=ModelledThreat, requires="findings.manage", label="Does not apply")
def dismiss_threat(actor: Actor, threat: ModelledThreat, *, reason: Reason) -> ModelledThreat:
    """Say that a threat does not apply; never by whoever wrote the model."""
    _decide(actor, threat, reason)
    threat.state, threat.accepted_until = ModelledThreat.State.NOT_APPLICABLE, None
    threat.save()
    return threat


@action("modelled_threat.reopen", on=ModelledThreat, requires="changes.author")
def reopen_threat(actor: Actor, threat: ModelledThreat, *, reason: Reason) -> ModelledThreat:
    """Take back that a threat is accepted or does not apply."""
    _living(threat)
    if threat.state not in (ModelledThreat.State.ACCEPTED, ModelledThreat.State.NOT_APPLICABLE):
        refuse("modelled_threat.stands", "Nothing was decided about this threat.")
    threat.state = _state(threat.controls)
    threat.decided_by, threat.decision, threat.accepted_until = None, "", None
    threat.save()
    return threat


def _decide(actor: Actor, threat: ModelledThreat, reason: str) -> None:
    _living(threat)
    if actor.user_id is None or actor.user_id == threat.model.author_id:
        refuse("modelled_threat.own", "Whoever wrote the model does not decide its threats away.", status=403)
    if not reason.strip():
        refuse("modelled_threat.reason", "Say why.", field="reason")
    threat.decided_by_id, threat.decision = actor.user_id, reason.strip()
