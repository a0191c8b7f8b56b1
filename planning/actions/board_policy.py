"""How a train judges the strings of its board."""

from __future__ import annotations

from typing import Annotated

from planning.models import BoardPolicy
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.fields import Field
from trains.models import Train


@action(
    "board_policy.set",
    creates=BoardPolicy,
    requires="trains.manage",
    within="train",
    label="Set board policy",
)
def set_board_policy(
    actor: Actor,
    *,
    train: Annotated[Train, Field("Train")],
    same_iteration: Annotated[
        BoardPolicy.SameIteration, Field("Delivery in the iteration that needs it")
    ] = BoardPolicy.SameIteration.CONFLICT,
    min_slack: Annotated[
        int, Field("Working days of slack wanted", "Less than this is at risk.", min=0, max=60)
    ] = 0,
) -> BoardPolicy:
    """Say when a dependency of this train is at risk, and when it is in conflict."""
    policy = BoardPolicy.objects.filter(train=train).first() or BoardPolicy(train=train)
    policy.same_iteration, policy.min_slack = same_iteration, min_slack
    policy.save()
    return policy
