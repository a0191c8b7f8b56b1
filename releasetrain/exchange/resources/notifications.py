"""The faces of notifications: everybody's own inbox, wishes and watches."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from releasetrain.exchange.models import Notification, NotificationSettings, Watch
from releasetrain.exchange.queries.notifications import inbox_of, settings_of_actor, unread, watches_of
from releasetrain.interface import navigation
from releasetrain.interface.resources import Filter, Resource, register
from releasetrain.tenancy.scope import current_scope


def _unread(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    return rows.filter(read_at__isnull=value == "unread")


def _number_unread(request: Any) -> int:
    """Error pages are rendered when the scope has ended: they show no number."""
    scope = current_scope()
    return unread(scope.actor.user_id) if scope else 0


register(
    Resource(
        Notification,
        plural="notifications",
        section="notifications",
        icon="bell",
        columns=("title", "about_label", "told_at", "read_at", "mail"),
        filters=(Filter("show", "Show", _unread, (("unread", "Unread"), ("read", "Read"))), "mail"),
        search=("title", "text", "about_label"),
        order=("-told_at", "-id"),
        hidden=("user", "key", "claimed_until", "lease"),
        rows=inbox_of,
        list_template="exchange/inbox.html",
        description="What you are told arrives here.",
    )
)
register(
    Resource(
        NotificationSettings,
        plural="notification-settings",
        section="notifications",
        icon="gear",
        columns=("mail", "quiet_from", "quiet_until", "time_zone"),
        hidden=("user",),
        order=("-created_at",),
        rows=settings_of_actor,
    )
)
register(
    Resource(
        Watch,
        plural="watches",
        section="notifications",
        icon="eye",
        columns=("object_label", "object_kind", "verbs", "created_at"),
        search=("object_label",),
        order=("object_label", "-created_at"),
        hidden=("user",),
        rows=watches_of,
        description="What you follow: objects, and acts wherever they happen.",
    )
)
navigation.register(
    navigation.Place(
        "notifications",
        "Notifications",
        "bell",
        "notifications/",
        910,
        spot="bar",
        key="n",
        count=_number_unread,
    )
)
