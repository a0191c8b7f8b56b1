"""Predicted risk learns from actual impact: the questionnaire's bands follow the record of finished changes."""

from __future__ import annotations

from typing import Annotated

from governance.actions.policies import publish_policy
from governance.models import ApprovalPolicy
from governance.queries.risk import policy_in_force
from releasetrain.audit.doorway import Ref, action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import refuse
from reviews.queries.calibration import learned_bands


@action(
    "approval_policy.follow_record",
    on=ApprovalPolicy,
    requires="changes.chair",
    lock=False,
    label="Take the bands that the record speaks for",
    confirm="This publishes a new version of the approval policy. Changes assessed from now on are banded by it.",
)
def follow_record(
    actor: Actor, policy: ApprovalPolicy, *, reason: Annotated[str, Field("Reason", max_length=120)]
) -> ApprovalPolicy:
    """Publish the bands that would have forecast the finished changes better; nothing else of the policy changes."""
    present = policy_in_force()
    if present is None or present.pk != policy.pk:
        refuse(
            "approval_policy.superseded",
            f"{policy} is not the version in force.",
            remedy=f"Start from {present}.",
            blocked_by=Ref.of(present) if present else None,
        )
    found = learned_bands(policy)
    if found.better is None:
        refuse(
            "approval_policy.nothing_learned", found.sentence, remedy="Close more changes with their outcome."
        )
    return publish_policy(actor, note=f"{reason.strip()} (bands by the record)", bands=found.better)
