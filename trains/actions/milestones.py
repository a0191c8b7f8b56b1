"""Verbs of milestones."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from releasetrain.audit.doorway import Actor, Field, action
from releasetrain.kernel.refusals import refuse
from trains.models import Milestone, ProgramIncrement, Train


@action("milestone.create", creates=Milestone, requires="trains.manage", within="train")
def create_milestone(
    actor: Actor,
    *,
    train: Train,
    name: Annotated[str, Field("Name", max_length=120)],
    on: Annotated[date, Field("Day")],
    kind: Milestone.Kind = Milestone.Kind.EVENT,
    pi: Annotated[
        ProgramIncrement | None, Field("Program Increment", help="Empty: the one the day lies in.")
    ] = None,
) -> Milestone:
    """Mark a day that matters to a train."""
    if pi is not None and pi.train_id != train.pk:
        refuse("pi.elsewhere", f"{pi} belongs to another train.", field="pi")
    if pi is None:
        pi = ProgramIncrement.objects.filter(train=train, starts__lte=on, ends__gt=on).first()
    return Milestone.objects.create(train=train, pi=pi, name=name, on=on, kind=kind)
