"""Verbs of dependencies between trains."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from releasetrain.audit.doorway import Actor, Field, action
from releasetrain.kernel.refusals import refuse
from trains.models import Release, Train, TrainDependency
from trains.states import TRAIN_DEPENDENCY_STATES

Reason = Annotated[str, Field("Reason", long=True)]


@action("train_dependency.create", creates=TrainDependency, requires="planning.edit", within="consumer")
def create_train_dependency(
    actor: Actor,
    *,
    provider: Train,
    consumer: Train,
    what: Annotated[str, Field("What is needed", max_length=300)],
    needed_by: Annotated[date, Field("Needed by")],
    release: Annotated[Release | None, Field("Release of the consumer")] = None,
) -> TrainDependency:
    """Ask another train for something that this train needs."""
    if provider.pk == consumer.pk:
        refuse("train_dependency.same", "A train does not depend on itself.", field="provider")
    if release is not None and release.train_id != consumer.pk:
        refuse("release.elsewhere", f"{release} is not a release of {consumer}.", field="release")
    return TrainDependency.objects.create(
        provider=provider, consumer=consumer, what=what, needed_by=needed_by, release=release
    )


@action(
    "train_dependency.agree", on=TrainDependency, requires="planning.edit", machine=TRAIN_DEPENDENCY_STATES
)
def agree_train_dependency(actor: Actor, dependency: TrainDependency) -> TrainDependency:
    """Promise what the other train needs; only the provider's side can."""
    if not actor.may("planning.edit", dependency.provider):
        refuse(
            "train_dependency.provider",
            f"Only {dependency.provider} can promise this.",
            remedy=f"Ask the Release Train Engineer of {dependency.provider}.",
            status=403,
        )
    return dependency


@action(
    "train_dependency.put_at_risk",
    on=TrainDependency,
    requires="planning.edit",
    machine=TRAIN_DEPENDENCY_STATES,
)
def put_train_dependency_at_risk(
    actor: Actor, dependency: TrainDependency, *, reason: Reason
) -> TrainDependency:
    """Say that an agreed dependency may be missed."""
    return dependency


@action(
    "train_dependency.meet", on=TrainDependency, requires="planning.edit", machine=TRAIN_DEPENDENCY_STATES
)
def meet_train_dependency(actor: Actor, dependency: TrainDependency) -> TrainDependency:
    """Say that the dependency was met."""
    return dependency


@action(
    "train_dependency.break",
    on=TrainDependency,
    requires="planning.edit",
    machine=TRAIN_DEPENDENCY_STATES,
    danger=True,
)
def break_train_dependency(actor: Actor, dependency: TrainDependency, *, reason: Reason) -> TrainDependency:
    """Say that the dependency will not be met."""
    return dependency
