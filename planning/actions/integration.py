"""Verbs of integration: versions that a milestone needs, points that features build on, needs of other trains."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from planning.models import Feature, FeatureIntegration, IntegrationPoint, TrainNeed, VersionRequirement
from planning.states import CLOSED
from releasetrain.audit.doorway import Refusal, action, explain_constraint, register_guard
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, refuse
from releasetrain.kernel.states import StateMachine, Transition
from trains.models import Environment, Milestone, Service, Team, TrainDependency
from trains.rules.versions import VersionError, parse_version

explain_constraint(
    "version_requirement_once", "The milestone names this service in this environment already."
)
explain_constraint("integration_point_name_once", "An integration point of this name is registered.")
explain_constraint("feature_integration_once", "The feature names this integration point already.")
explain_constraint("train_need_once", "The feature names this dependency already.")

Reason = Annotated[str, Field("Reason", max_length=300)]


@action(
    "version_requirement.create",
    creates=VersionRequirement,
    requires="planning.edit",
    within="milestone",
    label="Require a version",
)
def create_requirement(
    actor: Actor,
    *,
    milestone: Annotated[Milestone, Field("Milestone", help="Of the kind integration point.")],
    service: Annotated[Service, Field("Service")],
    minimum_version: Annotated[
        str, Field("Minimum version", help="This version or a later one.", max_length=80)
    ],
    environment: Annotated[Environment, Field("Environment", help="Where it has to run.")],
    contract_tests: Annotated[
        bool, Field("Contract tests", help="Passing contract tests of the deployed build are needed as well.")
    ] = True,
) -> VersionRequirement:
    """Name a service and the version it must have reached at an integration milestone."""
    if milestone.kind != Milestone.Kind.INTEGRATION:
        refuse(
            "milestone.kind",
            f"{milestone} is not an integration point.",
            remedy="Choose a milestone of the kind integration point.",
            field="milestone",
        )
    scheme = service.train.version_scheme if service.train else milestone.train.version_scheme
    try:
        minimum_version = parse_version(minimum_version.strip(), scheme).text
    except VersionError as error:
        refuse(
            "version.invalid",
            str(error),
            remedy=f"{service.train or milestone.train} numbers by {scheme}.",
            field="minimum_version",
        )
    if environment.train_id and environment.train_id not in (milestone.train_id, service.train_id):
        refuse("environment.elsewhere", f"{environment} belongs to another train.", field="environment")
    return VersionRequirement.objects.create(
        milestone=milestone,
        service=service,
        environment=environment,
        minimum_version=minimum_version,
        contract_tests=contract_tests,
    )


@action("version_requirement.withdraw", on=VersionRequirement, requires="planning.edit")
def withdraw_requirement(
    actor: Actor, requirement: VersionRequirement, *, reason: Reason
) -> VersionRequirement:
    """Say that a milestone no longer needs this version."""
    requirement.withdrawn_at = now()
    requirement.save()
    return requirement


@action(
    "integration_point.create",
    creates=IntegrationPoint,
    requires="planning.edit",
    within="owner",
    label="Register integration point",
)
def create_point(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", max_length=120)],
    kind: Annotated[IntegrationPoint.Kind, Field("Kind")],
    service: Annotated[
        Service | None, Field("Service", help="For a shared service: the one in the register.")
    ] = None,
    owner: Annotated[Team | None, Field("Owning team")] = None,
    contact: Annotated[str, Field("Contact", help="Who to ask, inside or outside.", max_length=200)] = "",
    description: Annotated[str, Field("Description", long=True)] = "",
) -> IntegrationPoint:
    """Register a shared service, a data platform or a third party that features build on."""
    if not name.strip():
        refuse("integration_point.name", "An integration point has a name.", field="name")
    if kind == IntegrationPoint.Kind.THIRD_PARTY and not contact.strip():
        refuse(
            "integration_point.contact",
            "A third party has a contact.",
            remedy="Name whom to ask there.",
            field="contact",
        )
    if kind == IntegrationPoint.Kind.SHARED_SERVICE and service is None:
        refuse("integration_point.service", "Choose the shared service.", field="service")
    return IntegrationPoint.objects.create(
        name=name.strip(),
        kind=kind,
        service=service,
        owner=owner or (service.team if service else None),
        contact=contact.strip(),
        description=description,
    )


@action("integration_point.edit", on=IntegrationPoint, requires="planning.edit")
def edit_point(
    actor: Actor,
    point: IntegrationPoint,
    *,
    owner: Annotated[Team | None, Field("Owning team")] = None,
    contact: Annotated[str | None, Field("Contact", max_length=200)] = None,
    description: Annotated[str | None, Field("Description", long=True)] = None,
) -> IntegrationPoint:
    """Change who owns an integration point, or what is said about it; what is left out stays."""
    point.owner = owner or point.owner
    point.contact = point.contact if contact is None else contact.strip()
    point.description = point.description if description is None else description
    if point.kind == IntegrationPoint.Kind.THIRD_PARTY and not point.contact:
        refuse("integration_point.contact", "A third party has a contact.", field="contact")
    point.save()
    return point


@action("integration_point.retire", on=IntegrationPoint, requires="planning.edit", danger=True)
def retire_point(actor: Actor, point: IntegrationPoint, *, reason: Reason) -> IntegrationPoint:
    """Take an integration point out of use; refused while open features build on it."""
    open_ = (
        point.integrations.exclude(state=FeatureIntegration.State.DROPPED)
        .exclude(feature__state__in=CLOSED)
        .select_related("feature")
        .first()
    )
    if open_:
        refuse(
            "integration_point.used",
            f"{open_.feature} “{open_.feature.title}” builds on it.",
            remedy="Finish the feature, or drop the integration there.",
            blocked_by=Ref.of(open_.feature),
        )
    point.retired_at = now()
    point.save()
    return point


_I = FeatureIntegration.State
INTEGRATION_STATES = StateMachine(
    initial=_I.OPEN,
    labels=dict(_I.choices),
    transitions=(
        Transition("feature_integration.agree", _I.OPEN, _I.AGREED),
        Transition("feature_integration.make_ready", (_I.OPEN, _I.AGREED), _I.READY),
        Transition("feature_integration.drop", (_I.OPEN, _I.AGREED, _I.READY), _I.DROPPED),
    ),
)


@action(
    "feature_integration.create",
    creates=FeatureIntegration,
    requires="planning.edit",
    within="feature",
    label="Add integration point",
)
def create_integration(
    actor: Actor,
    *,
    feature: Annotated[Feature, Field("Feature")],
    point: Annotated[
        IntegrationPoint,
        Field(
            "Integration point",
            rows=lambda actor, _: IntegrationPoint.objects.filter(retired_at__isnull=True),
        ),
    ],
    what: Annotated[str, Field("What the feature needs of it", max_length=300)],
    needed_by: Annotated[date | None, Field("Needed by")] = None,
) -> FeatureIntegration:
    """Name what a feature builds on outside its team."""
    if feature.state in CLOSED:
        refuse("feature.closed", f"{feature} is {feature.state}.", field="feature")
    if point.retired_at:
        refuse("integration_point.retired", f"{point} is out of use.", field="point")
    if not what.strip():
        refuse("feature_integration.what", "Say what the feature needs of it.", field="what")
    return FeatureIntegration.objects.create(
        feature=feature, point=point, what=what.strip(), needed_by=needed_by
    )


@action(
    "feature_integration.agree", on=FeatureIntegration, requires="planning.plan", machine=INTEGRATION_STATES
)
def agree_integration(
    actor: Actor, integration: FeatureIntegration, *, note: Annotated[str, Field("Note", max_length=300)] = ""
) -> FeatureIntegration:
    """The owner of the integration point has agreed."""
    integration.note = note or integration.note
    return integration


@action(
    "feature_integration.make_ready",
    on=FeatureIntegration,
    requires="planning.plan",
    machine=INTEGRATION_STATES,
    label="Ready",
)
def ready_integration(
    actor: Actor, integration: FeatureIntegration, *, note: Annotated[str, Field("Note", max_length=300)] = ""
) -> FeatureIntegration:
    """What the feature needs is there."""
    integration.note = note or integration.note
    return integration


@action(
    "feature_integration.drop", on=FeatureIntegration, requires="planning.edit", machine=INTEGRATION_STATES
)
def drop_integration(actor: Actor, integration: FeatureIntegration, *, reason: Reason) -> FeatureIntegration:
    """The feature does without it."""
    integration.note = reason
    return integration


@action(
    "train_need.create",
    creates=TrainNeed,
    requires="planning.edit",
    within="feature",
    label="Needs another train",
)
def create_train_need(
    actor: Actor,
    *,
    feature: Annotated[Feature, Field("Feature")],
    dependency: Annotated[TrainDependency, Field("Dependency on the other train")],
) -> TrainNeed:
    """Tie a feature to what its train asked of another train; its release waits for the agreement."""
    if dependency.consumer_id != feature.train_id:
        refuse(
            "train_need.elsewhere",
            f"{dependency.consumer} asked for it, not {feature.train}.",
            remedy=f"Choose a dependency of {feature.train}.",
            field="dependency",
        )
    if feature.state in CLOSED:
        refuse("feature.closed", f"{feature} is {feature.state}.", field="feature")
    return TrainNeed.objects.create(feature=feature, dependency=dependency)


@action("train_need.drop", on=TrainNeed, requires="planning.edit")
def drop_train_need(actor: Actor, need: TrainNeed, *, reason: Reason) -> TrainNeed:
    """The feature does without what the other train delivers."""
    need.dropped_at = now()
    need.save()
    return need


def _standing(field: str, code: str, word: str) -> Any:
    def guard(actor: Actor, subject: Any, params: dict[str, Any]) -> Refusal | None:
        if subject is not None and getattr(subject, field):
            return Refusal(code, f"{subject} is {word} already.")
        return None

    return guard


register_guard(
    "version_requirement.withdraw", _standing("withdrawn_at", "version_requirement.withdrawn", "withdrawn")
)
register_guard("train_need.drop", _standing("dropped_at", "train_need.dropped", "dropped"))
for _verb in ("edit", "retire"):
    register_guard(
        f"integration_point.{_verb}", _standing("retired_at", "integration_point.retired", "retired")
    )
