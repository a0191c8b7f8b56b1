"""Verbs of freezes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from releasetrain.audit.doorway import Actor, Field, action
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import Environment, Freeze, Service, Train


@action("freeze.create", creates=Freeze, requires="calendar.manage", within="train")
def create_freeze(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", max_length=120)],
    starts: Annotated[datetime, Field("Starts")],
    ends: Annotated[datetime, Field("Ends", help="Deployments are possible again from this moment.")],
    reason: Annotated[str, Field("Reason", long=True)],
    train: Annotated[Train | None, Field("Train", help="Empty: all trains.")] = None,
    environment: Annotated[Environment | None, Field("Environment", help="Empty: all environments.")] = None,
    service: Annotated[Service | None, Field("Service", help="Empty: all services.")] = None,
) -> Freeze:
    """Forbid deployments from one moment up to, not including, another."""
    if ends <= starts:
        refuse("freeze.period", "The end lies before the start.", field="ends")
    return Freeze.objects.create(
        name=name,
        starts=starts,
        ends=ends,
        reason=reason,
        train=train,
        environment=environment,
        service=service,
    )


@action(
    "freeze.cancel",
    on=Freeze,
    requires="calendar.manage",
    danger=True,
    confirm="Deployments become possible at once.",
)
def cancel_freeze(
    actor: Actor, freeze: Freeze, *, reason: Annotated[str, Field("Reason", long=True)]
) -> Freeze:
    """Lift a freeze."""
    if freeze.cancelled_at:
        refuse("freeze.cancelled", f"{freeze} is lifted already.")
    if freeze.ends <= now():
        refuse("freeze.over", f"{freeze} is over.")
    freeze.cancelled_at = now()
    freeze.save()
    return freeze
