"""Links of wall screens: made, given an address that is shown once, revoked."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Annotated, Any

from django.urls import reverse

from planning.models import WallLink
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.models import Organization
from trains.models import Train

_BYTES = 32


def hash_of(secret: str) -> str:
    """A fast hash is right here: the secret is 256 bits of randomness, not a password."""
    return hashlib.sha256(secret.encode()).hexdigest()


@action(
    "wall_link.create",
    creates=WallLink,
    requires="trains.manage",
    within="train",
    label="Set up a wall screen",
)
def create_wall_link(
    actor: Actor,
    *,
    train: Annotated[Train, Field("Train")],
    name: Annotated[str, Field("Where the screen hangs", max_length=80)],
    seconds: Annotated[int, Field("Seconds per slide", min=5, max=600)] = 20,
    days: Annotated[
        int | None, Field("Valid for days", "Until it is revoked when left out.", min=1, max=3660)
    ] = None,
) -> WallLink:
    """Set up a wall screen for a train. Its address is issued in a second step, and shown once."""
    return WallLink.objects.create(
        train=train,
        name=name,
        seconds=seconds,
        expires_at=now() + timedelta(days=days) if days else None,
        created_by_id=actor.user_id,
    )


@action("wall_link.issue", on=WallLink, requires="trains.manage", label="Issue an address")
def issue_address(actor: Actor, link: WallLink) -> dict[str, Any]:
    """Make a new address for this screen and show it once. An earlier address of it stops working."""
    if link.revoked_at:
        refuse("wall_link.revoked", f"{link} is revoked.", remedy="Set up another wall screen.")
    if link.expires_at and link.expires_at <= now():
        refuse("wall_link.expired", f"{link} has expired.", remedy="Set up another wall screen.")
    secret = secrets.token_urlsafe(_BYTES)
    link.secret_hash = hash_of(secret)
    link.save()
    organization = Organization.objects.get(pk=actor.organization_id)
    return {
        "address": reverse("wall", args=[organization.slug, secret]),
        "screen": link.name,
        "train": link.train.name,
    }


@action(
    "wall_link.revoke",
    on=WallLink,
    requires="trains.manage",
    danger=True,
    confirm="The screen goes dark at its next refresh, and its address never works again.",
)
def revoke_wall_link(actor: Actor, link: WallLink) -> WallLink:
    """Take a wall screen's address away."""
    if link.revoked_at:
        refuse("wall_link.revoked", f"{link} is revoked already.")
    link.revoked_at = now()
    link.save()
    return link
