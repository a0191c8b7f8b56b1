"""Writes of accounts: organizations, members, grants, service accounts, tokens."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import available_timezones

from django.contrib.auth.models import Permission
from django.db import models, transaction

from releasetrain.audit import ledger
from releasetrain.audit.doorway import action
from releasetrain.kernel import locales
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope

from . import tokens
from .catalogue import ROLES, Role
from .models import (
    ApiToken,
    Grant,
    Membership,
    ObjectPermission,
    Scope,
    ServiceAccount,
    User,
    scope_content_type,
)


def create_organization(
    *, slug: str, name: str, owner: User, time_zone: str = "UTC", demo: bool = False, locale: str = ""
) -> Organization:
    """Found an organization with its first owner. The one write that happens before its scope exists.

    Raises ValidationError for a bad slug, Refused when the slug is taken or the zone unknown.
    """
    if time_zone not in available_timezones():
        refuse(
            "time_zone.unknown", f"{time_zone} is not a time zone of the IANA database.", field="time_zone"
        )
    language, region = locales.split(locale)
    organization = Organization(
        slug=slug, name=name, time_zone=time_zone, language=language, region=region, demo=demo
    )
    organization.full_clean(exclude=["slug"])
    Organization._meta.get_field("slug").run_validators(slug)
    if Organization.objects.filter(slug=slug).exists():
        refuse("slug.taken", f"The address {slug} is taken.", field="slug")
    with transaction.atomic():
        organization.save(force_insert=True)
        Membership.objects.create(user=owner, organization=organization)
        actor = Actor(organization.pk, owner.pk, str(owner), route="founding", reason="organization created")
        with tenant_scope(organization.pk, actor):
            grant(owner, Role.OWNER, scope_for(organization))
            ledger.append(actor, "organization.create", organization, {"slug": slug, "name": name})
    return organization


def scope_for(obj: models.Model) -> Scope:
    """The scope row of an object, made when first needed."""
    kind = str(obj._meta.model_name)
    scope, _ = Scope.objects.get_or_create(kind=kind, object_id=obj.pk, defaults={"label": str(obj)})
    return scope


def grant(
    user: User, role: Role, scope: Scope, starts_at: datetime | None = None, ends_at: datetime | None = None
) -> Grant:
    """Write a grant and its guardian permissions (callers are actions, which have checked)."""
    if scope.kind not in ROLES[role].scopes:
        refuse("role.scope", f"{role.label} is not given on a {scope.kind}.", field="scope")
    given = Grant.objects.create(
        user=user, role=role, scope=scope, starts_at=starts_at or now(), ends_at=ends_at
    )
    permissions = Permission.objects.filter(
        content_type=scope_content_type(), codename__in=ROLES[role].permissions
    )
    ObjectPermission.objects.bulk_create(
        ObjectPermission(
            user=user,
            permission=permission,
            content_type=scope_content_type(),
            object_pk=str(scope.pk),
            organization_id=scope.organization_id,
            grant=given,
            scope=scope,
            starts_at=given.starts_at,
            ends_at=given.ends_at,
        )
        for permission in permissions
    )
    return given


@action("grant.create", creates=Grant, requires="members.manage")
def create_grant(
    actor: Actor,
    *,
    email: Annotated[
        str,
        Field("E-mail address", help="The person is added to the organization if needed.", max_length=254),
    ],
    role: Role,
    scope: Annotated[Scope | None, Field("On", help="Empty: the whole organization.")] = None,
    starts_at: Annotated[datetime | None, Field("From")] = None,
    ends_at: Annotated[datetime | None, Field("Until", help="Auditors' access must end.")] = None,
) -> Grant:
    """Give a person a role in the organization."""
    user = User.objects.filter(email__iexact=email.strip()).first()
    if user is None:
        refuse(
            "person.unknown",
            f"Nobody has signed up as {email}.",
            remedy="Ask them to sign up first.",
            field="email",
        )
    if role == Role.AUDITOR and ends_at is None:
        refuse(
            "grant.unbounded", "An auditor's access is time-boxed.", remedy="Give an end.", field="ends_at"
        )
    if role == Role.SERVICE_ACCOUNT and user.kind != User.Kind.SERVICE:
        refuse("role.person", "This role is for service accounts only.", field="role")
    if ends_at and ends_at <= (starts_at or now()):
        refuse("grant.period", "The end lies before the start.", field="ends_at")
    scope = scope or scope_for(Organization.objects.get(pk=actor.organization_id))
    if Grant.objects.filter(user=user, role=role, scope=scope, revoked_at__isnull=True).exists():
        refuse("grant.exists", f"{user} already holds this role there.", field="role")
    Membership.objects.get_or_create(user=user, organization_id=actor.organization_id)
    return grant(user, role, scope, starts_at, ends_at)


@action(
    "grant.revoke",
    on=Grant,
    requires="members.manage",
    danger=True,
    confirm="The person loses these rights at once.",
)
def revoke_grant(actor: Actor, given: Grant, *, reason: Annotated[str, Field("Reason", long=True)]) -> Grant:
    """Take a role back."""
    if given.revoked_at:
        refuse("grant.revoked", "This grant is revoked already.")
    last_owner = (
        given.role == Role.OWNER
        and not Grant.objects.filter(role=Role.OWNER, revoked_at__isnull=True, ends_at__isnull=True)
        .exclude(pk=given.pk)
        .exists()
    )
    if last_owner:
        refuse(
            "grant.last_owner",
            "This is the organization's last owner.",
            remedy="Make somebody else an owner first.",
        )
    given.revoked_at = now()
    given.save()
    ObjectPermission.objects.filter(grant=given).delete()
    return given


@action("service_account.create", creates=ServiceAccount, requires="tokens.manage")
def create_service_account(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", help="For example the pipeline that uses it.", max_length=80)],
    scope: Annotated[Scope | None, Field("On", help="Empty: the whole organization.")] = None,
) -> ServiceAccount:
    """Create a service account that posts results and deployments and asks gates."""
    if ServiceAccount.objects.filter(name=name).exists():
        refuse("service_account.exists", f"A service account {name} exists.", field="name")
    organization = Organization.objects.get(pk=actor.organization_id)
    user = User(
        kind=User.Kind.SERVICE,
        name=name,
        email=f"{tokens.generate()[0].lower()}@service.{organization.slug}.invalid",
    )
    user.set_unusable_password()
    user.save()
    Membership.objects.create(user=user, organization=organization)
    account = ServiceAccount.objects.create(name=name, user=user, responsible_id=actor.user_id or user.pk)
    grant(user, Role.SERVICE_ACCOUNT, scope or scope_for(organization))
    return account


@action("service_account.issue_token", on=ServiceAccount, requires="tokens.manage", hidden=True)
def issue_token(
    actor: Actor,
    account: ServiceAccount,
    *,
    label: Annotated[str, Field("Label", max_length=80)],
    days: Annotated[int, Field("Valid for days", min=1, max=365)] = 90,
) -> dict[str, Any]:
    """Issue a token; the answer shows it once."""
    if account.disabled_at:
        refuse("service_account.disabled", f"{account} is disabled.")
    token_id, secret, text = tokens.generate()
    token = ApiToken.objects.create(
        id=token_id,
        organization_id=actor.organization_id,
        user_id=account.user_id,
        label=label,
        secret_hash=tokens.secret_hash(secret),
        created_by=actor.user_id,
        expires_at=now() + timedelta(days=days),
    )
    return {"id": token.pk, "token": text, "expires_at": token.expires_at}


@action(
    "service_account.revoke_token",
    on=ServiceAccount,
    requires="tokens.manage",
    danger=True,
    confirm="Pipelines that use it fail at once.",
)
def revoke_token(
    actor: Actor, account: ServiceAccount, *, token: Annotated[str, Field("Token id", max_length=16)]
) -> ServiceAccount:
    """Revoke one of the service account's tokens."""
    changed = ApiToken.objects.filter(
        pk=token, user_id=account.user_id, organization_id=actor.organization_id, revoked_at__isnull=True
    ).update(revoked_at=now())
    if not changed:
        refuse("token.absent", "No such living token.", field="token")
    return account


@action(
    "service_account.disable",
    on=ServiceAccount,
    requires="tokens.manage",
    danger=True,
    confirm="All its tokens stop working at once.",
)
def disable_service_account(
    actor: Actor, account: ServiceAccount, *, reason: Annotated[str, Field("Reason", long=True)]
) -> ServiceAccount:
    """Disable a service account and revoke all its tokens."""
    if account.disabled_at:
        refuse("service_account.disabled", f"{account} is disabled already.")
    account.disabled_at = now()
    account.save()
    ApiToken.objects.filter(user_id=account.user_id, revoked_at__isnull=True).update(revoked_at=now())
    User.objects.filter(pk=account.user_id).update(is_active=False)
    return account
