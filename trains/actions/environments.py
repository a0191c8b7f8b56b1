"""Verbs of environments."""

from __future__ import annotations

from typing import Annotated

from releasetrain.audit.doorway import Actor, Field, action
from releasetrain.kernel.refusals import refuse
from trains.models import Environment, Train
from trains.rules.names import name_fault

_RANKS = {
    Environment.Kind.DEV: 10,
    Environment.Kind.TEST: 20,
    Environment.Kind.STAGING: 30,
    Environment.Kind.PRODUCTION: 40,
}


@action("environment.create", creates=Environment, requires="trains.manage", within="train")
def create_environment(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", help="As pipelines write it.", max_length=80)],
    kind: Environment.Kind,
    train: Annotated[Train | None, Field("Train", help="Empty: shared by the whole organization.")] = None,
    rank: Annotated[int | None, Field("Rank", help="Orders the way to production.", min=0, max=1000)] = None,
) -> Environment:
    """Register an environment that services are deployed to."""
    fault = name_fault(name)
    if fault:
        refuse("name.unfit", fault, field="name")
    if Environment.objects.filter(name=name).exists():
        refuse("environment.exists", f"An environment {name} exists.", field="name")
    return Environment.objects.create(
        name=name, kind=kind, train=train, rank=_RANKS[kind] if rank is None else rank
    )
