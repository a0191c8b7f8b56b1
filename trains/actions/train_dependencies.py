"""Verbs of dependencies between trains."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from django.contrib.auth import get_user_model

from releasetrain.audit.doorway import Actor, Field, action
from releasetrain.kernel.refusals import refuse
from trains.models import Release, Train, TrainDependency
from trains.states import TRAIN_DEPENDENCY_STATES

User = get_user_model()
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
    owner: Annotated[
        User | None,  # type: ignore[valid-type]
        Field("Owner on the consumer's side", help="Empty: you."),
    ] = None,
) -> TrainDependency:
    """Ask another train for something that this train needs."""
    if provider.pk == consumer.pk:
        refuse("train_dependency.same", "A train does not depend on itself.", field="provider")
    if release is not None and release.train_id != consumer.pk:
        refuse("release.elsewhere", f"{release} is not a release of {consumer}.", field="release")
    return TrainDependency.objects.create(
        provider=provider,
        consumer=consumer,
        what=what,
        needed_by=needed_by,
        release=release,
        consumer_owner_id=owner.pk if owner else _person(actor),
    )


@action(
    "train_dependency.agree", on=TrainDependency, requires="planning.edit", machine=TRAIN_DEPENDENCY_STATES
)
def agree_train_dependency(
    actor: Actor,
    dependency: TrainDependency,
    *,
    owner: Annotated[
        User | None,  # type: ignore[valid-type]
        Field("Owner on the provider's side", help="Empty: who is named already, else you."),
    ] = None,
) -> TrainDependency:
    """Promise what the other train needs; only the provider's side can, and somebody answers for it."""
    if not actor.may("planning.edit", dependency.provider):
        refuse(
            "train_dependency.provider",
            f"Only {dependency.provider} can promise this.",
            remedy=f"Ask the Release Train Engineer of {dependency.provider}.",
            status=403,
        )
    if owner is not None:
        dependency.provider_owner = owner
    elif dependency.provider_owner_id is None:
        dependency.provider_owner_id = _person(actor)
    for side, held in (
        ("provider", dependency.provider_owner_id),
        ("consumer", dependency.consumer_owner_id),
    ):
        if held is None:
            train = getattr(dependency, side)
            refuse(
                "train_dependency.owner",
                f"Nobody of {train} answers for this.",
                remedy=f"Name an owner on the {side}'s side.",
                field="owner" if side == "provider" else None,
            )
    return dependency


@action(
    "train_dependency.assign",
    on=TrainDependency,
    requires="planning.edit",
    machine=TRAIN_DEPENDENCY_STATES,
    label="Name owners",
)
def assign_train_dependency(
    actor: Actor,
    dependency: TrainDependency,
    *,
    provider_owner: Annotated[
        User | None,  # type: ignore[valid-type]
        Field("Owner on the provider's side"),
    ] = None,
    consumer_owner: Annotated[
        User | None,  # type: ignore[valid-type]
        Field("Owner on the consumer's side"),
    ] = None,
) -> TrainDependency:
    """Say who answers for a dependency on either side; what is left out stays."""
    if provider_owner is None and consumer_owner is None:
        refuse("train_dependency.nobody", "Name an owner of at least one side.", field="provider_owner")
    dependency.provider_owner = provider_owner or dependency.provider_owner
    dependency.consumer_owner = consumer_owner or dependency.consumer_owner
    dependency.save()
    return dependency


def _person(actor: Actor) -> Any:
    """Who acts, where it is a person: machines answer for nothing."""
    return actor.user_id if actor.kind == "person" else None


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
