"""Dependencies between features: declared by the consumer, accepted by the provider."""

from __future__ import annotations

from typing import Annotated, Any

from planning.models import Feature, FeatureDependency
from planning.states import DEPENDENCY_STATES
from releasetrain.audit.doorway import action, explain_constraint
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import refuse
from trains.models import Iteration

explain_constraint("feature_dependency_once", "This dependency is declared already.")
explain_constraint("feature_dependency_on_another", "A feature cannot depend on itself.")


def _iterations(actor: Actor, subject: Any) -> Any:
    rows = Iteration.objects.select_related("pi").exclude(pi__state="closed")
    return (
        rows.filter(pi__train_id=subject.consumer.train_id)
        if isinstance(subject, FeatureDependency)
        else rows
    )


def _in_train(train_id: Any, iteration: Iteration | None) -> None:
    if iteration is not None and iteration.pi.train_id != train_id:
        refuse("train.other", f"{iteration} belongs to another train.", field="needed_in")


@action(
    "feature_dependency.create",
    creates=FeatureDependency,
    requires="planning.edit",
    within="consumer",
    label="Add dependency",
)
def create_dependency(
    actor: Actor,
    *,
    consumer: Annotated[Feature, Field("Feature that needs it")],
    provider: Annotated[Feature, Field("Feature that delivers it")],
    what: Annotated[str, Field("What is needed", max_length=200)] = "",
    needed_in: Annotated[
        Iteration | None, Field("Needed in", "The consumer's iteration when left out.", rows=_iterations)
    ] = None,
) -> FeatureDependency:
    """Declare that one feature needs another. The provider's side accepts it."""
    if consumer.pk == provider.pk:
        refuse("feature_dependency.self", "A feature cannot depend on itself.", field="provider")
    if consumer.train_id != provider.train_id:
        refuse(
            "train.other",
            f"{provider} belongs to another train.",
            remedy="Record a dependency between trains instead.",
            field="provider",
        )
    for end, name in ((consumer, "consumer"), (provider, "provider")):
        if end.state == "cancelled":
            refuse("feature.cancelled", f"{end} is cancelled.", field=name)
    _in_train(consumer.train_id, needed_in)
    dependency = FeatureDependency(
        consumer=consumer, provider=provider, what=what.strip(), needed_in=needed_in
    )
    if provider.state == "done":
        dependency.state = "done"
    dependency.save()
    return dependency


@action("feature_dependency.edit", on=FeatureDependency, requires="planning.edit", machine=DEPENDENCY_STATES)
def edit_dependency(
    actor: Actor,
    dependency: FeatureDependency,
    *,
    what: Annotated[str | None, Field("What is needed", max_length=200)] = None,
    needed_in: Annotated[Iteration | None, Field("Needed in", rows=_iterations)] = None,
) -> FeatureDependency:
    """Say better what is needed, or until when."""
    _in_train(dependency.consumer.train_id, needed_in)
    if what is not None:
        dependency.what = what.strip()
    if needed_in is not None:
        dependency.needed_in = needed_in
    dependency.save()
    return dependency


@action(
    "feature_dependency.accept", on=FeatureDependency, requires="planning.plan", machine=DEPENDENCY_STATES
)
def accept_dependency(actor: Actor, dependency: FeatureDependency) -> FeatureDependency:
    """The provider's side agrees to deliver it."""
    dependency.accepted_at, dependency.accepted_by_id = now(), actor.user_id
    return dependency


@action(
    "feature_dependency.commit", on=FeatureDependency, requires="planning.plan", machine=DEPENDENCY_STATES
)
def commit_dependency(actor: Actor, dependency: FeatureDependency) -> FeatureDependency:
    """The delivery is promised; an earlier risk or block is over."""
    dependency.reason = ""
    return dependency


@action(
    "feature_dependency.flag",
    on=FeatureDependency,
    requires="planning.plan",
    machine=DEPENDENCY_STATES,
    label="Flag as at risk",
)
def flag_dependency(
    actor: Actor, dependency: FeatureDependency, *, reason: Annotated[str, Field("Why", max_length=300)]
) -> FeatureDependency:
    """The delivery is in danger."""
    dependency.reason = reason
    return dependency


@action("feature_dependency.block", on=FeatureDependency, requires="planning.plan", machine=DEPENDENCY_STATES)
def block_dependency(
    actor: Actor, dependency: FeatureDependency, *, reason: Annotated[str, Field("Why", max_length=300)]
) -> FeatureDependency:
    """The delivery cannot go on."""
    dependency.reason = reason
    return dependency


@action(
    "feature_dependency.complete", on=FeatureDependency, requires="planning.plan", machine=DEPENDENCY_STATES
)
def complete_dependency(actor: Actor, dependency: FeatureDependency) -> FeatureDependency:
    """What was needed is delivered."""
    dependency.reason = ""
    return dependency


@action(
    "feature_dependency.withdraw", on=FeatureDependency, requires="planning.edit", machine=DEPENDENCY_STATES
)
def withdraw_dependency(
    actor: Actor,
    dependency: FeatureDependency,
    *,
    reason: Annotated[str, Field("Reason", max_length=300)] = "",
) -> FeatureDependency:
    """It is not needed after all."""
    dependency.reason = reason
    return dependency
