"""Verbs of calendar subscriptions."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from django.urls import reverse

from releasetrain.accounts.tokens import secret_hash
from releasetrain.audit.doorway import Actor, Field, action
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.models import Organization
from trains.models import CalendarFeed, Train

MOST = 20


@action("calendar_feed.subscribe", creates=CalendarFeed, requires="organization.view", hidden=True)
def subscribe_feed(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", help="Where you will read it, e.g. My phone.", max_length=80)],
    train: Annotated[Train | None, Field("Train", help="Empty: all trains.")] = None,
) -> dict[str, Any]:
    """Make a secret address of the calendar for yourself; the answer shows it once."""
    if actor.user_id is None or actor.kind != "person":
        refuse("calendar_feed.person", "Only a person subscribes to the calendar.", status=403)
    if CalendarFeed.objects.filter(user_id=actor.user_id, revoked_at__isnull=True).count() >= MOST:
        refuse("calendar_feed.many", f"You have {MOST} subscriptions.", remedy="Revoke one you do not use.")
    secret = secrets.token_urlsafe(32)
    feed = CalendarFeed.objects.create(
        user_id=actor.user_id, name=name, train=train, secret_hash=secret_hash(secret)
    )
    slug = Organization.objects.get(pk=actor.organization_id).slug
    address = reverse("calendar-feed", kwargs={"slug": slug, "secret": secret})
    return {"id": str(feed.pk), "name": feed.name, "address": address}


@action(
    "calendar_feed.revoke",
    on=CalendarFeed,
    requires="organization.view",
    danger=True,
    confirm="Calendars that read this address get nothing from now on.",
)
def revoke_feed(actor: Actor, feed: CalendarFeed) -> CalendarFeed:
    """Take a secret address back."""
    if feed.user_id != actor.user_id and not actor.may("members.manage"):
        refuse(
            "calendar_feed.other",
            "This is somebody else's subscription.",
            remedy="They, or who manages members, can revoke it.",
            status=403,
        )
    if feed.revoked_at:
        refuse("calendar_feed.revoked", f"{feed} is revoked already.")
    feed.revoked_at = now()
    feed.save()
    return feed
