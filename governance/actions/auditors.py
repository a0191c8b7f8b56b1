"""Verbs of external auditors' access: invited by name, let in for a time, ended by themselves."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from governance.models import AuditorAccess
from governance.states.auditing import AUDITOR_ACCESS_STATES
from releasetrain.accounts.actions import grant as give
from releasetrain.accounts.actions import scope_for
from releasetrain.accounts.catalogue import Role
from releasetrain.accounts.models import ApiToken, Grant, Membership, ObjectPermission, User
from releasetrain.audit import ledger
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, refuse
from releasetrain.tenancy.models import Organization
from trains.models import Train

LONGEST = timedelta(days=366)
State = AuditorAccess.State


@action("auditor_access.invite", creates=AuditorAccess, requires="members.manage", label="Invite an auditor")
def invite_auditor(
    actor: Actor,
    *,
    email: Annotated[str, Field("E-mail address", max_length=254)],
    firm: Annotated[str, Field("Firm", max_length=120)],
    purpose: Annotated[str, Field("Purpose", help="The audit that it is for.", max_length=200)],
    ends_at: Annotated[datetime, Field("Until", help="At most a year. Access ends then by itself.")],
    starts_at: Annotated[datetime | None, Field("From", help="Empty: at once.")] = None,
    train: Annotated[Train | None, Field("Train", help="Empty: the whole organization.")] = None,
    watermark: Annotated[
        bool, Field("Watermark", help="Pages and downloads carry the auditor's name and this access.")
    ] = True,
) -> AuditorAccess:
    """Invite an external auditor for a time. Hand over the link that the page shows."""
    email = email.strip().lower()
    if email.count("@") != 1 or email.startswith("@") or email.endswith("@"):
        refuse("access.email", f"“{email}” is no e-mail address.", field="email")
    starts = starts_at or now()
    _bounded(starts, ends_at)
    living = AuditorAccess.objects.filter(email=email, train=train, state__in=[State.INVITED, State.ACTIVE])
    if other := living.first():
        refuse(
            "access.exists",
            f"{email} has access there already.",
            remedy="Change the end of that access, or withdraw it first.",
            blocked_by=Ref.of(other),
            field="email",
        )
    user = User.objects.filter(email__iexact=email).first()
    scope = scope_for(train or Organization.objects.get(pk=actor.organization_id))
    if (
        user
        and Grant.objects.filter(user=user, role=Role.AUDITOR, scope=scope, revoked_at__isnull=True).exists()
    ):
        refuse("access.granted", f"{user} is an auditor there already.", field="email")
    return AuditorAccess.objects.create(
        email=email,
        firm=firm.strip(),
        purpose=purpose.strip(),
        train=train,
        starts_at=starts,
        ends_at=ends_at,
        watermark=watermark,
        invited_by_id=actor.user_id,
    )


@action(
    "auditor_access.admit",
    on=AuditorAccess,
    requires="members.manage",
    machine=AUDITOR_ACCESS_STATES,
)
def admit_auditor(actor: Actor, access: AuditorAccess) -> AuditorAccess:
    """Let the invited person in, who has signed up under the invited address."""
    if access.ends_at <= now():
        refuse("access.over", "The time of this access is over.", remedy="Invite them again.")
    user = User.objects.filter(email__iexact=access.email, is_active=True, kind=User.Kind.PERSON).first()
    if user is None:
        refuse(
            "person.unknown",
            f"Nobody has signed up as {access.email}.",
            remedy="Send them the link of the invitation; it leads through signing up.",
        )
    membership, _ = Membership.objects.get_or_create(user=user, organization_id=actor.organization_id)
    if membership.suspended_at:
        membership.suspended_at = None
        membership.save()
    scope = scope_for(access.train or Organization.objects.get(pk=actor.organization_id))
    if Grant.objects.filter(user=user, role=Role.AUDITOR, scope=scope, revoked_at__isnull=True).exists():
        refuse("access.granted", f"{user} is an auditor there already.")
    access.user = user
    access.grant = give(user, Role.AUDITOR, scope, access.starts_at, access.ends_at)
    access.accepted_at = now()
    return access


@action(
    "auditor_access.set_end",
    on=AuditorAccess,
    requires="members.manage",
    machine=AUDITOR_ACCESS_STATES,
    label="Change the end",
)
def set_end(
    actor: Actor,
    access: AuditorAccess,
    *,
    ends_at: Annotated[datetime, Field("Until")],
    reason: Annotated[str, Field("Reason", long=True)],
) -> AuditorAccess:
    """Let the access end at another moment."""
    if ends_at <= now():
        refuse(
            "access.past", "The end lies in the past.", remedy="Withdraw it to end it now.", field="ends_at"
        )
    _bounded(access.starts_at, ends_at)
    access.ends_at = ends_at
    access.save()
    if access.grant is not None:
        access.grant.ends_at = ends_at
        access.grant.save()
        ObjectPermission.objects.filter(grant=access.grant).update(ends_at=ends_at)
    return access


@action(
    "auditor_access.withdraw",
    on=AuditorAccess,
    requires="members.manage",
    machine=AUDITOR_ACCESS_STATES,
    danger=True,
    confirm="The person's access ends at once: their session, their tokens and their links.",
)
def withdraw_access(
    actor: Actor, access: AuditorAccess, *, reason: Annotated[str, Field("Reason", long=True)]
) -> AuditorAccess:
    """End the access now."""
    access.reason = reason.strip()
    access.ended_at = now()
    _close(access)
    return access


def end_due(actor: Actor) -> int:
    """End every access whose time is over; the rights themselves have ended at that very moment."""
    due = AuditorAccess.objects.select_for_update().filter(
        state__in=[State.INVITED, State.ACTIVE], ends_at__lte=now()
    )
    ended = 0
    for access in due:
        was = access.state
        access.state = State.ENDED
        access.ended_at = now()
        _close(access)
        access.save()
        ledger.append(actor, "auditor_access.end", access, {"changes": {"state": [was, access.state]}})
        ended += 1
    return ended


def _close(access: AuditorAccess) -> None:
    """Take everything back: the grant, tokens, and the membership where nothing else is held."""
    if access.user_id is None:
        return
    moment = now()
    if access.grant is not None and access.grant.revoked_at is None:
        access.grant.revoked_at = moment
        access.grant.save()
        ObjectPermission.objects.filter(grant=access.grant).delete()
    others = Grant.objects.filter(user=access.user_id, revoked_at__isnull=True)
    if not others.exists():
        organization = access.organization_id
        ApiToken.objects.filter(
            user=access.user_id, organization=organization, revoked_at__isnull=True
        ).update(revoked_at=moment)
        Membership.objects.filter(
            user=access.user_id, organization=organization, suspended_at__isnull=True
        ).update(suspended_at=moment)


def _bounded(starts: datetime, ends: datetime) -> None:
    if ends <= starts or ends <= now():
        refuse("access.period", "The access would end before it begins.", field="ends_at")
    if ends - starts > LONGEST:
        refuse(
            "access.period",
            "An external auditor's access lasts a year at most.",
            remedy="Choose an earlier end; it can be changed later.",
            field="ends_at",
        )
