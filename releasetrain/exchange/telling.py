"""Delivery of notices: into inboxes, once for each person and key, with the moment from which mail about it may go."""

from __future__ import annotations

from typing import Any

from releasetrain.exchange import tasks
from releasetrain.exchange.models import MailState, Notification
from releasetrain.exchange.queries.notifications import people, wishes_of
from releasetrain.exchange.rules.mailing import goes_at
from releasetrain.interface.notices import Notice, deliver_by
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref
from releasetrain.tenancy.scope import require_scope
from releasetrain.tenancy.tasks import enqueue


@deliver_by
def deliver(key: str, name: str, told: Notice) -> int:
    """Put it into the inboxes of these people; returns how many of them had not been told yet."""
    users = people(told.to)
    if not users:
        return 0
    moment, about, wishes = now(), _about(told.about), wishes_of(users)
    rows = []
    for user in users:
        wish, muted = wishes[user.pk]
        if name in muted and not told.urgent:
            continue
        due = goes_at(moment, wish, urgent=told.urgent) if told.mail and user.email else None
        row = Notification(
            user=user,
            key=key[:250],
            name=name,
            title=told.title[:300],
            text=told.text,
            about_kind=about.kind,
            about_id=about.id,
            about_label=about.label[:200],
            urgent=told.urgent,
            told_at=moment,
            mail=MailState.WAITING if due else MailState.NONE,
            mail_due_at=due,
        )
        row.prepare_save()
        rows.append(row)
    known = set(Notification.objects.filter(user__in=users, key=key[:250]).values_list("user_id", flat=True))
    new = [row for row in rows if row.user_id not in known]
    # Two workers may tell the same at once: the second row is refused by the database, silently.
    Notification.objects.bulk_create(new, ignore_conflicts=True)
    if any(row.mail_due_at is not None and row.mail_due_at <= moment for row in new):
        enqueue(tasks.send_mail_of, require_scope().organization_id)
    return len(new)


def _about(about: Any) -> Ref:
    if about is None:
        return Ref("", "", "")
    return about if isinstance(about, Ref) else Ref.of(about)
