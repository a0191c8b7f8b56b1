"""Verbs of declared changes: what happened, said on the charts, and where their limits begin anew."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from metrics.models import DeclaredChange
from releasetrain.audit.doorway import action, explain_constraint
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import refuse
from trains.models import Service, Team, Train

explain_constraint("declared_change_ends_after_start", "A change ends on the day it began or later.")


@action(
    "declared_change.create", creates=DeclaredChange, requires="metrics.manage", within="train",
    label="Declare a change",
)  # fmt: skip
def declare_change(
    actor: Actor,
    *,
    title: Annotated[str, Field("Title", max_length=120, help="Short: it is written into charts.")],
    happened_on: Annotated[date, Field("On")],
    kind: Annotated[DeclaredChange.Kind, Field("Kind")] = DeclaredChange.Kind.IMPROVEMENT,
    ended_on: Annotated[date | None, Field("Until", help="For a freeze or another time that ended.")] = None,
    resets: Annotated[
        bool, Field("New limits", help="Control charts compute new limits from this day on.")
    ] = False,
    expected: Annotated[str, Field("What it should change", long=True)] = "",
    train: Annotated[Train | None, Field("Train", help="Empty: the whole organization.")] = None,
    team: Annotated[Team | None, Field("Team")] = None,
    service: Annotated[Service | None, Field("Service")] = None,
) -> DeclaredChange:
    """Declare something that happened, so that charts show it and may begin new limits there."""
    title = title.strip()
    if not title:
        refuse("declared_change.title", "Say what changed.", field="title", status=422)
    if ended_on is not None and ended_on < happened_on:
        refuse("declared_change.order", "It ends before it begins.", field="ended_on", status=422)
    if resets and happened_on > now().date():
        refuse(
            "declared_change.future", "Limits begin anew on a day that has come.", field="happened_on",
            remedy="Declare it without new limits, or when it has happened.", status=422,
        )  # fmt: skip
    return DeclaredChange.objects.create(
        title=title, kind=kind, happened_on=happened_on, ended_on=ended_on, resets=resets, expected=expected.strip(),
        train=train, team=team, service=service,
    )  # fmt: skip


@action("declared_change.withdraw", on=DeclaredChange, requires="metrics.manage", label="Withdraw")
def withdraw_change(
    actor: Actor, change: DeclaredChange, *, reason: Annotated[str, Field("Reason", long=True)]
) -> DeclaredChange:
    """Take a declared change off the charts; that it was there stays in its history."""
    if change.withdrawn_at:
        refuse("declared_change.withdrawn", f"{change} is withdrawn already.")
    change.withdrawn_at = now()
    change.save()
    return change
