"""Verbs of packaging limits: how many items of a kind may travel in one release."""

from __future__ import annotations

from typing import Annotated

from releasetrain.audit.doorway import Actor, Field, action, explain_constraint
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.actions.permission import require_permission
from trains.models import TIERS, Classification, PackagingLimit, Train

AtMost = Annotated[int | None, Field("At most", help="Empty: any number.", min=0, max=10_000)]
Reason = Annotated[str, Field("Reason", long=True)]

explain_constraint("packaging_limit_once", "There is a limit for exactly these conditions; edit it instead.")


@action("packaging_limit.create", creates=PackagingLimit, requires="releases.manage", within="train")
def create_packaging_limit(
    actor: Actor,
    *,
    classification: Annotated[Classification, Field("Kind of item")],
    at_most: AtMost = None,
    train: Annotated[Train | None, Field("Train", help="Empty: every train.")] = None,
    criticality: Annotated[
        int | None,
        Field(
            "Criticality of its systems",
            help="Tier of the most critical service it carries. Empty: any.",
            choices=TIERS,
        ),
    ] = None,
    risk: Annotated[int | None, Field("Risk tier of the release", help="Empty: any.", choices=TIERS)] = None,
    reason: Reason = "",
) -> PackagingLimit:
    """Limit how many items of a kind a release carries. The most precise limit wins over wider ones."""
    if train is None:
        require_permission(actor, "releases.manage")
    return PackagingLimit.objects.create(
        classification=classification,
        at_most=at_most,
        train=train,
        criticality=criticality,
        risk=risk,
        reason=reason,
    )


@action("packaging_limit.edit", on=PackagingLimit, requires="releases.manage")
def edit_packaging_limit(
    actor: Actor, limit: PackagingLimit, *, at_most: AtMost = None, reason: Reason = ""
) -> PackagingLimit:
    """Change the number."""
    _in_force(limit)
    limit.at_most = at_most
    limit.reason = reason or limit.reason
    limit.save()
    return limit


@action("packaging_limit.retire", on=PackagingLimit, requires="releases.manage", danger=True)
def retire_packaging_limit(actor: Actor, limit: PackagingLimit, *, reason: Reason) -> PackagingLimit:
    """Withdraw a limit; the next wider one holds again."""
    _in_force(limit)
    limit.retired_at = now()
    limit.save()
    return limit


def _in_force(limit: PackagingLimit) -> None:
    if limit.retired_at:
        refuse("packaging_limit.retired", "The limit is withdrawn.", remedy="Set a new one.")
