"""Who reads what: a person's inbox, wishes and what they follow."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import QuerySet

from releasetrain.accounts.models import Membership, User
from releasetrain.exchange.models import Notification, NotificationSettings, Watch
from releasetrain.exchange.rules.mailing import Wishes
from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import require_scope


def inbox_of(actor: Actor) -> QuerySet[Notification]:
    """What this person was told."""
    return Notification.objects.filter(user_id=actor.user_id)


def settings_of_actor(actor: Actor) -> QuerySet[NotificationSettings]:
    return NotificationSettings.objects.filter(user_id=actor.user_id)


def watches_of(actor: Actor) -> QuerySet[Watch]:
    return Watch.objects.filter(user_id=actor.user_id)


def unread(user_id: uuid.UUID | None) -> int:
    """How many notifications the person has not read."""
    return Notification.objects.filter(user_id=user_id, read_at__isnull=True).count() if user_id else 0


def people(ids: Iterable[uuid.UUID]) -> list[User]:
    """Those of the ids who are active people of the organization in scope."""
    organization_id = require_scope().organization_id
    members = Membership.objects.filter(organization_id=organization_id, suspended_at__isnull=True)
    return list(
        User.objects.filter(
            pk__in=set(ids), is_active=True, kind=User.Kind.PERSON, memberships__in=members
        ).distinct()
    )


def wishes_of(users: Iterable[User]) -> dict[uuid.UUID, tuple[Wishes, frozenset[str]]]:
    """How each person wants to be mailed, and which kinds of notices they have muted."""
    listed = list(users)
    chosen = {s.user_id: s for s in NotificationSettings.objects.filter(user__in=listed)}
    home = Organization.objects.values_list("time_zone", flat=True).get(pk=require_scope().organization_id)
    return {user.pk: _wishes(user, chosen.get(user.pk), home) for user in listed}


def _wishes(user: User, chosen: NotificationSettings | None, home: str) -> tuple[Wishes, frozenset[str]]:
    own = user.time_zone if user.time_zone != "UTC" else ""
    if chosen is None:
        return Wishes(zone=_zone(own or home)), frozenset()
    wishes = Wishes(
        mail=chosen.mail,
        digest_at=chosen.digest_at,
        digest_weekday=chosen.digest_weekday,
        quiet_from=chosen.quiet_from,
        quiet_until=chosen.quiet_until,
        quiet_weekends=chosen.quiet_weekends,
        zone=_zone(chosen.time_zone or own or home),
    )
    return wishes, frozenset(chosen.muted)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
