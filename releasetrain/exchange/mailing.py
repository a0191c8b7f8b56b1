"""Sending mail about notifications: claim under a lease, send outside of any transaction, then note that it went.

A worker that dies after its claim leaves the lease to run out, and the mail goes then. One that dies between the
server's answer and the note would send again: the message carries the same Message-ID, by which mail servers drop it.
"""

from __future__ import annotations

import hashlib
import logging
import uuid
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils.translation import gettext

from releasetrain.accounts.models import User
from releasetrain.exchange.models import MailState, Notification
from releasetrain.interface.addressing import written_to
from releasetrain.interface.links import slug_of, url_of_ref
from releasetrain.interface.wording import said
from releasetrain.kernel import locales
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope

log = logging.getLogger(__name__)
LEASE = timedelta(minutes=5)
BATCH = 200
ATTEMPTS = 8
# Waits between attempts, in minutes; the last one repeats.
_BACK_OFF = (1, 5, 15, 60, 240)
_SHOWN = 100


@dataclass(frozen=True)
class Letter:
    """One mail to one person: about one notification, or a digest of several."""

    user: User
    organization: Organization
    notifications: list[Notification]

    @property
    def message_id(self) -> str:
        """Of what it is about: the same notifications always make the same id."""
        seed = "|".join(sorted(str(n.pk) for n in self.notifications))
        domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ") or "localhost"
        return f"<{hashlib.sha256(seed.encode()).hexdigest()[:40]}@{domain}>"


def send_due(organization_id: uuid.UUID) -> int:
    """Send what is due in the organization; returns how many mails went."""
    sent = 0
    while True:
        lease = uuid.uuid4()
        letters = claim(organization_id, lease)
        sent += sum(_send(each, lease) for each in letters)
        if sum(len(each.notifications) for each in letters) < BATCH:
            return sent


def claim(organization_id: uuid.UUID, lease: uuid.UUID) -> list[Letter]:
    """Take what is due for this worker alone, committed before anything is sent."""
    with tenant_scope(organization_id, Actor.system(organization_id, "mail")):
        moment = now()
        free = Q(claimed_until__isnull=True) | Q(claimed_until__lte=moment)
        due = Notification.objects.filter(free, mail=MailState.WAITING, mail_due_at__lte=moment)
        rows = list(
            due.select_for_update(skip_locked=True, of=("self",))
            .select_related("user")
            .order_by("user_id", "told_at", "id")[:BATCH]
        )
        for row in rows:
            row.lease, row.claimed_until = lease, moment + LEASE
            row.attempts += 1
        Notification.objects.bulk_update(rows, ["lease", "claimed_until", "attempts"])
        organization = Organization.objects.get(pk=organization_id)
        return [
            Letter(user, organization, list(each)) for user, each in groupby(rows, key=lambda row: row.user)
        ]


def _send(letter: Letter, lease: uuid.UUID) -> int:
    error = ""
    try:
        _message(letter).send()
    except Exception as failure:  # whatever a mail server answers is a reason to try later
        log.warning("mail to %s failed: %s", letter.user.pk, failure)
        error = f"{type(failure).__name__}: {failure}"[:500]
    _settle(letter, lease, error)
    return int(not error)


def _settle(letter: Letter, lease: uuid.UUID, error: str) -> None:
    """Note what came of it. Rows whose lease another worker took over meanwhile are not touched."""
    organization_id = letter.organization.pk
    with tenant_scope(organization_id, Actor.system(organization_id, "mail")):
        mine = Notification.objects.select_for_update().filter(
            pk__in=[n.pk for n in letter.notifications], lease=lease, mail=MailState.WAITING
        )
        moment = now()
        for row in mine:
            row.lease, row.claimed_until, row.error = None, None, error
            if not error:
                row.mail, row.mailed_at = MailState.SENT, moment
            elif row.attempts >= ATTEMPTS:
                row.mail = MailState.FAILED
            else:
                wait = _BACK_OFF[min(row.attempts, len(_BACK_OFF)) - 1]
                row.mail_due_at = moment + timedelta(minutes=wait)
            row.save()


def _message(letter: Letter) -> EmailMultiAlternatives:
    with written_to(letter.user, letter.organization):
        return _written(letter)


def _written(letter: Letter) -> EmailMultiAlternatives:
    """The mail in the language, region and zone of whoever is told."""
    organization = letter.organization
    root = f"{settings.PUBLIC_URL}/o/{slug_of(organization.pk)}/"
    with tenant_scope(organization.pk, Actor.system(organization.pk, "mail")):
        entries = [
            {"title": said(n.title), "text": said(n.text), "told_at": n.told_at, "url": _url(n, root)}
            for n in letter.notifications[:_SHOWN]
        ]
    many = len(letter.notifications)
    subject = (
        gettext("%(count)s notifications") % {"count": many}
        if many > 1
        else said(letter.notifications[0].title)
    )
    context = {
        "language": locales.current().catalogue,
        "organization": organization,
        "entries": entries,
        "more": max(0, len(letter.notifications) - _SHOWN),
        "settings_url": f"{root}notifications/settings/",
        "inbox_url": f"{root}notifications/",
    }
    message = EmailMultiAlternatives(
        subject=f"[{organization.name}] {' '.join(subject.split())}"[:250],
        body=render_to_string("exchange/mail.txt", context),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[letter.user.email],
        headers={
            "Message-ID": letter.message_id,
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
        },
    )
    message.attach_alternative(render_to_string("exchange/mail.html", context), "text/html")
    return message


def _url(notification: Notification, root: str) -> str:
    about = Ref(notification.about_kind, notification.about_id, notification.about_label)
    path = url_of_ref(about) if notification.about_kind else ""
    return f"{settings.PUBLIC_URL}{path}" if path else f"{root}notifications/"
