"""Invitations by mail: claimed under a lease, sent outside of any transaction, noted afterwards, like all mail here."""

from __future__ import annotations

import hashlib
import logging
import uuid
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMultiAlternatives
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils.translation import gettext

from releasetrain.accounts.models import User
from releasetrain.interface.addressing import written_to
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope

from .models import Invitation

log = logging.getLogger(__name__)
SALT = "organization-invitation"
LEASE = timedelta(minutes=5)
ATTEMPTS = 6
_BACK_OFF = (1, 5, 15, 60, 240)
_BATCH = 50


def token_of(invitation: Invitation) -> str:
    """What the link carries: signed, and worth nothing once the invitation is sent anew, revoked, accepted or over."""
    return signing.dumps([str(invitation.organization_id), str(invitation.pk), invitation.number], salt=SALT)


def find(token: str) -> tuple[Organization | None, Invitation | None]:
    """The invitation that a link opens; what is over and what never was look alike."""
    try:
        organization_id, invitation_id, number = signing.loads(token, salt=SALT)
        organization = Organization.objects.filter(
            pk=uuid.UUID(organization_id), suspended_at__isnull=True
        ).first()
        wanted = uuid.UUID(invitation_id)
    except (signing.BadSignature, ValueError, TypeError):
        return None, None
    if organization is None:
        return None, None
    with tenant_scope(organization.pk, Actor.system(organization.pk, "reads an invitation")):
        found = (
            Invitation.objects.select_related("scope", "invited_by")
            .filter(pk=wanted, number=number, state=Invitation.State.OPEN, expires_at__gt=now())
            .first()
        )
    return (organization, found) if found else (None, None)


def send_due(organization_id: uuid.UUID) -> int:
    """Send what waits; returns how many mails went."""
    lease = uuid.uuid4()
    return sum(_send(each, lease) for each in _claim(organization_id, lease))


def _claim(organization_id: uuid.UUID, lease: uuid.UUID) -> list[Invitation]:
    with tenant_scope(organization_id, Actor.system(organization_id, "mail")):
        moment = now()
        free = Q(claimed_until__isnull=True) | Q(claimed_until__lte=moment)
        rows = list(
            Invitation.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("scope", "invited_by", "organization")
            .filter(
                free, state=Invitation.State.OPEN, mail=Invitation.Mail.WAITING, mail_due_at__lte=moment,
                expires_at__gt=moment,
            )
            .order_by("mail_due_at")[:_BATCH]
        )  # fmt: skip
        for row in rows:
            row.lease, row.claimed_until = lease, moment + LEASE
            row.attempts += 1
            row.save()
    return rows


def _send(invitation: Invitation, lease: uuid.UUID) -> int:
    error = ""
    try:
        _message(invitation).send()
    except Exception as failure:  # whatever a mail server answers is a reason to try later
        log.warning("invitation %s was not mailed: %s", invitation.pk, type(failure).__name__)
        error = f"{type(failure).__name__}: {failure}"[:300]
    with tenant_scope(invitation.organization_id, Actor.system(invitation.organization_id, "mail")):
        mine = Invitation.objects.select_for_update().filter(pk=invitation.pk, lease=lease).first()
        if mine is not None:
            _settle(mine, error)
    return int(not error)


def _settle(invitation: Invitation, error: str) -> None:
    invitation.lease, invitation.claimed_until, invitation.error = None, None, error
    if not error:
        invitation.mail, invitation.mailed_at = Invitation.Mail.SENT, now()
    elif invitation.attempts >= ATTEMPTS:
        invitation.mail = Invitation.Mail.FAILED
    else:
        wait = _BACK_OFF[min(invitation.attempts, len(_BACK_OFF)) - 1]
        invitation.mail_due_at = now() + timedelta(minutes=wait)
    invitation.save()


def _message(invitation: Invitation) -> EmailMultiAlternatives:
    person = User.objects.filter(email__iexact=invitation.email).first()
    with written_to(person, invitation.organization):
        return _written(invitation)


def _written(invitation: Invitation) -> EmailMultiAlternatives:
    seed = f"{invitation.pk}|{invitation.number}"
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ") or "localhost"
    context = {
        "invitation": invitation,
        "organization": invitation.organization,
        "url": f"{settings.PUBLIC_URL}/invitation/{token_of(invitation)}",
    }
    subject = gettext("%(name)s invites you to Release Train") % {"name": invitation.organization}
    return EmailMultiAlternatives(
        subject=" ".join(subject.split())[:250],
        body=render_to_string("access/invitation_mail.txt", context),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[invitation.email],
        headers={
            "Message-ID": f"<{hashlib.sha256(seed.encode()).hexdigest()[:40]}@{domain}>",
            "Auto-Submitted": "auto-generated",
        },
    )
