"""Verbs of invitations: sent by mail, for one address, once, until a day."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from releasetrain.access import tasks
from releasetrain.access.models import Invitation
from releasetrain.accounts.actions import create_grant, scope_for
from releasetrain.accounts.catalogue import ROLES, Role
from releasetrain.accounts.models import Grant, Membership, Scope, User
from releasetrain.audit import ledger
from releasetrain.audit.doorway import action, explain_constraint
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.tasks import enqueue

State, Mail = Invitation.State, Invitation.Mail
explain_constraint("invitation_once", "They are invited to this role already.")
Days = Annotated[int, Field("Valid for days", min=1, max=30)]


@action("invitation.send", creates=Invitation, requires="members.manage", label="Invite somebody")
def send_invitation(
    actor: Actor,
    *,
    email: Annotated[str, Field("E-mail address", max_length=254)],
    role: Role,
    scope: Annotated[Scope | None, Field("On", help="Empty: the whole organization.")] = None,
    grant_ends_at: Annotated[datetime | None, Field("Role until", help="Auditors' access must end.")] = None,
    message: Annotated[str, Field("Message", help="Stands in the mail.", max_length=500, long=True)] = "",
    days: Days = 7,
) -> Invitation:
    """Invite somebody by mail into a role; they need no account yet."""
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        refuse("invitation.email", f"“{address[:80]}” is no e-mail address.", field="email")
    where = scope or scope_for(Organization.objects.get(pk=actor.organization_id))
    if role == Role.SERVICE_ACCOUNT:
        refuse("role.person", "This role is for service accounts only.", field="role")
    if where.kind not in ROLES[role].scopes:
        refuse("role.scope", f"{role.label} is not given on a {where.kind}.", field="scope")
    if role == Role.AUDITOR and grant_ends_at is None:
        refuse(
            "grant.unbounded",
            "An auditor's access is time-boxed.",
            remedy="Give an end.",
            field="grant_ends_at",
        )
    if grant_ends_at and grant_ends_at <= now() + timedelta(days=days):
        refuse("grant.period", "The role would end before the invitation does.", field="grant_ends_at")
    if Grant.objects.filter(
        user__email__iexact=address, role=role, scope=where, revoked_at__isnull=True
    ).exists():
        refuse("grant.exists", f"{address} already holds this role there.", field="email")
    if Invitation.objects.filter(email__iexact=address, role=role, scope=where, state=State.OPEN).exists():
        refuse(
            "invitation.exists",
            f"{address} is invited to this role already.",
            remedy="Send that invitation again, or revoke it first.",
            field="email",
        )
    invitation = Invitation.objects.create(
        email=address,
        role=role,
        scope=where,
        grant_ends_at=grant_ends_at,
        message=message.strip(),
        expires_at=now() + timedelta(days=days),
        invited_by_id=actor.user_id,
        mail_due_at=now(),
    )
    enqueue(tasks.send_invitations, actor.organization_id)
    return invitation


@action("invitation.resend", on=Invitation, requires="members.manage", label="Send again")
def resend_invitation(actor: Actor, invitation: Invitation, *, days: Days = 7) -> Invitation:
    """Send a new link; links of earlier mails open nothing any more."""
    _open(invitation)
    invitation.number += 1
    invitation.expires_at = now() + timedelta(days=days)
    invitation.mail, invitation.mail_due_at, invitation.attempts, invitation.error = (
        Mail.WAITING,
        now(),
        0,
        "",
    )
    invitation.lease, invitation.claimed_until = None, None
    invitation.save()
    enqueue(tasks.send_invitations, actor.organization_id)
    return invitation


@action(
    "invitation.revoke",
    on=Invitation,
    requires="members.manage",
    danger=True,
    confirm="Its link opens nothing any more.",
)
def revoke_invitation(
    actor: Actor, invitation: Invitation, *, reason: Annotated[str, Field("Reason", max_length=300)]
) -> Invitation:
    """Take the invitation back."""
    _open(invitation)
    invitation.state = State.REVOKED
    invitation.save()
    return invitation


def accept(actor: Actor, invitation: Invitation, user: User) -> Grant:
    """Give the role to whoever came by the mail, under the invited address. The product acts on their behalf."""
    invitation = (
        Invitation.objects.select_for_update(of=("self",)).select_related("scope").get(pk=invitation.pk)
    )
    _open(invitation)
    if invitation.expires_at <= now():
        refuse("invitation.expired", "This invitation has expired.", remedy="Ask for a new one.")
    if user.email.lower() != invitation.email:
        refuse(
            "invitation.other",
            f"The invitation is for {invitation.email}; you are signed in as {user.email}.",
            remedy="Sign in under that address.",
            status=403,
        )
    Membership.objects.filter(user=user, organization_id=actor.organization_id).update(suspended_at=None)
    given: Grant = create_grant(
        actor,
        email=user.email,
        role=Role(invitation.role),
        scope=invitation.scope,
        ends_at=invitation.grant_ends_at,
    )
    invitation.state, invitation.accepted_by, invitation.accepted_at = State.ACCEPTED, user, now()
    invitation.grant = given
    if invitation.mail == Mail.WAITING:
        invitation.mail = Mail.SENT
    invitation.save()
    ledger.append(actor, "invitation.accept", invitation, {"grant": str(given.pk)})
    return given


def _open(invitation: Invitation) -> None:
    if invitation.state != State.OPEN:
        refuse("invitation.closed", f"This invitation is {invitation.get_state_display().lower()} already.")
