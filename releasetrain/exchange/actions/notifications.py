"""What a person does with notifications: read them, say how to be told, follow objects and acts."""

from __future__ import annotations

import fnmatch
from datetime import time
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import available_timezones

from releasetrain.audit.doorway import (
    Actor,
    Field,
    action,
    actions,
    explain_constraint,
    register_effect,
    register_guard,
)
from releasetrain.exchange import tasks
from releasetrain.exchange.models import MailState, Notification, NotificationSettings, Watch
from releasetrain.exchange.queries.notifications import inbox_of, settings_of_actor
from releasetrain.interface import notices
from releasetrain.interface.resources import by_kind
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refusal, refuse
from releasetrain.tenancy.tasks import enqueue

explain_constraint("watch_once", "You follow this already.")
_WEEKDAYS = [
    (str(number), day)
    for number, day in enumerate(
        ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    )
]
_SOME_VERBS = 20


@action("notification.read", on=Notification, requires="organization.view", label="Mark as read")
def read_notification(actor: Actor, notification: Notification) -> Notification:
    """Mark a notification as read."""
    if notification.read_at is None:
        notification.read_at = now()
        notification.save()
    return notification


@action("notification.read_all", creates=Notification, requires="organization.view", label="Mark all as read")
def read_all(actor: Actor) -> dict[str, Any]:
    """Mark everything in your inbox as read."""
    unread = inbox_of(actor).filter(read_at__isnull=True)
    return {"read": unread.update(read_at=now()) if actor.user_id else 0}


@action("notification.send_again", on=Notification, requires="organization.view", label="Send the mail again")
def send_again(actor: Actor, notification: Notification) -> Notification:
    """Have a mail sent that the mail server refused too often."""
    if notification.mail != MailState.FAILED:
        refuse(
            "notification.not_failed",
            "Only a mail that failed is sent again.",
            remedy="Its state says whether it waits or went.",
        )
    notification.mail, notification.mail_due_at = MailState.WAITING, now()
    notification.attempts, notification.error = 0, ""
    notification.save()
    enqueue(tasks.send_mail_of, actor.organization_id)
    return notification


def _clock(text: str, field: str) -> time | None:
    if not text.strip():
        return None
    try:
        return time.fromisoformat(text.strip())
    except ValueError:
        refuse(
            "settings.clock",
            f"{text!r} is no time of day.",
            remedy="Write it as 18:30.",
            field=field,
            status=422,
        )


def _kinds() -> list[tuple[str, str]]:
    return [(each.name, each.title) for each in notices.declared()]


@action(
    "notification_settings.choose",
    creates=NotificationSettings,
    requires="organization.view",
    label="Choose how to be told",
)
def choose_settings(
    actor: Actor,
    *,
    mail: Annotated[
        NotificationSettings.Mail,
        Field("Mail", help="What is urgent is mailed at once, unless you want no mail."),
    ] = NotificationSettings.Mail.AT_ONCE,
    digest_at: Annotated[
        str, Field("Time of the daily or weekly mail", help="E.g. 08:00.", max_length=8)
    ] = "08:00",
    digest_weekday: Annotated[str, Field("Day of the weekly mail", choices=_WEEKDAYS)] = "0",
    quiet_from: Annotated[
        str,
        Field("Quiet from", help="No mail from then on, e.g. 18:30. Empty: no quiet hours.", max_length=8),
    ] = "",
    quiet_until: Annotated[str, Field("Quiet until", help="E.g. 08:00.", max_length=8)] = "",
    quiet_weekends: Annotated[bool, Field("Quiet at weekends")] = False,
    time_zone: Annotated[
        str,
        Field(
            "Time zone",
            help="E.g. Europe/Berlin. Empty: that of your account, or else the organization's.",
            max_length=64,
        ),
    ] = "",
    muted: Annotated[list[str] | None, Field("Do not tell me of", choices=_kinds)] = None,
) -> NotificationSettings:
    """Choose how you are told in this organization. The inbox has everything that you did not switch off."""
    if actor.user_id is None or actor.kind != "person":
        refuse("settings.nobody", "Only a person has an inbox.", status=403)
    if time_zone and time_zone not in available_timezones():
        refuse(
            "settings.zone",
            f"There is no time zone {time_zone}.",
            remedy="Name it as in Europe/Berlin.",
            field="time_zone",
            status=422,
        )
    starts, ends = _clock(quiet_from, "quiet_from"), _clock(quiet_until, "quiet_until")
    if (starts is None) != (ends is None):
        refuse(
            "settings.quiet",
            "Quiet hours have a beginning and an end.",
            remedy="Give both, or neither.",
            field="quiet_until" if ends is None else "quiet_from",
            status=422,
        )
    unknown = sorted(set(muted or ()) - {name for name, _ in _kinds()})
    if unknown:
        refuse("settings.kind", f"No notice is called {unknown[0]}.", field="muted", status=422)
    if not digest_weekday.isdecimal() or int(digest_weekday) > 6:
        refuse("settings.weekday", "Weekdays count from 0, Monday, to 6.", field="digest_weekday", status=422)
    chosen = settings_of_actor(actor).select_for_update().first() or NotificationSettings(
        user_id=actor.user_id
    )
    chosen.mail, chosen.digest_weekday = mail, int(digest_weekday)
    chosen.digest_at = _clock(digest_at, "digest_at") or time(8)
    chosen.quiet_from, chosen.quiet_until, chosen.quiet_weekends = starts, ends, quiet_weekends
    chosen.time_zone, chosen.muted = time_zone, sorted(set(muted or ()))
    chosen.save()
    return chosen


@action("watch.create", creates=Watch, requires="organization.view", label="Follow")
def follow(
    actor: Actor,
    *,
    kind: Annotated[
        str, Field("Kind of object", help="E.g. release. Empty: whatever object it is.", max_length=60)
    ] = "",
    object: Annotated[str, Field("Its key or id", max_length=100)] = "",
    verbs: Annotated[
        list[str] | None,
        Field(
            "Acts",
            help="One a line, e.g. deployment.roll_back or incident.*. Empty: all that happens to the object.",
            long=True,
        ),
    ] = None,
) -> Watch:
    """Follow an object, or acts wherever they happen: you are told of them in your inbox."""
    if actor.user_id is None or actor.kind != "person":
        refuse("watch.nobody", "Only a person has an inbox.", status=403)
    wanted = sorted({verb.strip() for verb in verbs or () if verb.strip()})
    _require_verbs(wanted)
    if not kind and not wanted:
        refuse("watch.nothing", "Say what to follow: an object, or acts.", field="kind", status=422)
    watch = Watch(user_id=actor.user_id, verbs=wanted)
    if kind:
        resource = by_kind(kind)
        found = resource.find(actor, object) if resource and object else None
        if found is None:
            refuse("watch.object", f"There is no {kind[:60]} {object}.", field="object", status=422)
        watch.object_kind, watch.object_id, watch.object_label = kind, found.pk, str(found)[:200]
    rows = Watch.objects.filter(user_id=actor.user_id, object_id=watch.object_id, verbs=wanted)
    if rows.exists():
        refuse("watch.exists", "You follow this already.", remedy="See what you follow under Notifications.")
    watch.save()
    return watch


def _require_verbs(wanted: list[str]) -> None:
    known = actions()
    for pattern in wanted[:_SOME_VERBS]:
        if not fnmatch.filter(known, pattern):
            refuse(
                "watch.verb",
                f"No act is called {pattern[:80]}.",
                remedy="The API reference lists them all; * stands for any word.",
                field="verbs",
                status=422,
            )
    if len(wanted) > _SOME_VERBS:
        refuse("watch.verbs", f"Name at most {_SOME_VERBS} acts.", field="verbs", status=422)


@action("watch.end", on=Watch, requires="organization.view", label="Stop following")
def end_watch(actor: Actor, watch: Watch) -> dict[str, Any]:
    """Follow it no longer."""
    watch.delete()
    return {"ended": str(watch)}


def _own(actor: Actor, row: Any, params: dict[str, Any]) -> Refusal | None:
    if row is None or row.user_id == actor.user_id:
        return None
    return Refusal("inbox.other", "This is somebody else's.", status=404)


for _verb in ("notification.read", "notification.send_again", "watch.end"):
    register_guard(_verb, _own)


def _acknowledged(actor: Actor, escalation: Any, params: dict[str, Any]) -> None:
    """Who acknowledges an escalation has read of it."""
    about: dict[str, UUID | str] = {"about_kind": "escalation", "about_id": str(escalation.pk)}
    inbox_of(actor).filter(read_at__isnull=True, **about).update(read_at=now())


register_effect("escalation.acknowledge", _acknowledged)
