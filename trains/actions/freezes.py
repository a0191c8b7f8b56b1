"""Verbs of freezes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from releasetrain.audit.doorway import Actor, Field, action
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import Environment, Freeze, Service, Train

from .freeze_lock import begin_freezing


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
    begin_freezing(actor.organization_id)
    return Freeze.objects.create(
        name=name,
        starts=starts,
        ends=ends,
        reason=reason,
        train=train,
        environment=environment,
        service=service,
    )


@action("freeze.edit", on=Freeze, requires="calendar.manage")
def edit_freeze(
    actor: Actor,
    freeze: Freeze,
    *,
    name: Annotated[str | None, Field("Name", max_length=120)] = None,
    starts: Annotated[datetime | None, Field("Starts")] = None,
    ends: Annotated[
        datetime | None, Field("Ends", help="Deployments are possible again from this moment.")
    ] = None,
    reason: Annotated[str | None, Field("Reason", long=True)] = None,
) -> Freeze:
    """Change when a freeze begins or ends; what has been is kept: a start that has passed stays."""
    if freeze.cancelled_at:
        refuse("freeze.cancelled", f"{freeze} is lifted already.", remedy="Set a new freeze.")
    moment = now()
    if freeze.ends <= moment:
        refuse("freeze.over", f"{freeze} is over.", remedy="Set a new freeze.")
    if starts is not None and starts != freeze.starts and freeze.starts <= moment:
        refuse("freeze.begun", f"{freeze} has begun; its start stays.", field="starts")
    if ends is not None and ends < moment:
        refuse("freeze.past", "The end lies in the past.", remedy="Lift the freeze instead.", field="ends")
    freeze.name, freeze.reason = name or freeze.name, reason or freeze.reason
    freeze.starts, freeze.ends = starts or freeze.starts, ends or freeze.ends
    if freeze.ends <= freeze.starts:
        refuse("freeze.period", "The end lies before the start.", field="ends")
    begin_freezing(actor.organization_id)
    freeze.save()
    return freeze


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
