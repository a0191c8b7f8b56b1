"""Rotating an API token: a successor now, the old one until a moment that is said."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from releasetrain.accounts.actions import issue_token
from releasetrain.accounts.models import ApiToken, ServiceAccount
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import refuse


@action("service_account.rotate_token", on=ServiceAccount, requires="tokens.manage", hidden=True)
def rotate_token(
    actor: Actor,
    account: ServiceAccount,
    *,
    token: Annotated[str, Field("Token id", max_length=16)],
    overlap_hours: Annotated[
        int, Field("Hours both work", help="So long the old token stays valid.", min=0, max=720)
    ] = 24,
    days: Annotated[int, Field("Valid for days", min=1, max=365)] = 90,
) -> dict[str, Any]:
    """Issue a successor; the old token works on for some hours. The answer shows the new one once."""
    moment = now()
    old = ApiToken.objects.select_for_update().filter(
        pk=token,
        user_id=account.user_id,
        organization_id=actor.organization_id,
        revoked_at__isnull=True,
        expires_at__gt=moment,
        trust_rule__isnull=True,
    )
    found = old.first()
    if found is None:
        refuse("token.absent", "No such living token.", field="token")
    if found.successor:
        refuse(
            "token.rotated",
            f"This token has a successor already: rtk_{found.successor}_….",
            remedy="Rotate the successor, or revoke this one.",
            field="token",
        )
    given: dict[str, Any] = issue_token(actor, account, label=found.label, days=days)
    found.successor = given["id"]
    found.expires_at = min(found.expires_at, moment + timedelta(hours=overlap_hours))
    found.save(update_fields=["successor", "expires_at"])
    return {**given, "replaces": found.pk, "replaced_until": found.expires_at}
