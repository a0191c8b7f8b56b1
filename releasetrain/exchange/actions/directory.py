"""Verbs of people and groups as provider and directory know them. Sign-in and SCIM only call these."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from releasetrain.accounts.models import Membership, User
from releasetrain.audit.doorway import Actor, Field, action, explain_constraint
from releasetrain.exchange import people
from releasetrain.exchange.models import DirectoryGroup, Identity
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import KEEP
from releasetrain.kernel.refusals import refuse

explain_constraint("identity_user_name_once", "Somebody in the directory has this user name already.")
explain_constraint("identity_of_user_once", "This account belongs to somebody in the directory already.")
explain_constraint(
    "identity_of_subject_once", "The provider's person is connected to another account already."
)
explain_constraint("directory_group_once", "There is a group of this name already.")
_MOST_MEMBERS = 20_000

UserName = Annotated[str, Field("User name", help="Usually the e-mail address.", max_length=254)]
Email = Annotated[
    str, Field("E-mail address", help="Of a domain that the organization has verified.", max_length=254)
]
ExternalId = Annotated[str, Field("Id in the directory", max_length=255)]
Attributes = Annotated[dict[str, Any], Field("Names and addresses", help="As SCIM writes them.")]
Members = Annotated[list[str], Field("Members", help="Ids of identities, one a line.", long=True)]
Reason = Annotated[str, Field("Reason", long=True, max_length=300)]


@action("identity.sign_in", creates=Identity, requires="members.manage", hidden=True)
def sign_in(
    actor: Actor,
    *,
    issuer: Annotated[str, Field("Issuer", max_length=300)],
    subject: Annotated[str, Field("Subject", max_length=255)],
    email: Email,
    name: Annotated[str, Field("Name", max_length=120)] = "",
    groups: Annotated[list[str], Field("Groups")] = (),  # type: ignore[assignment]
    connecting: Annotated[uuid.UUID | None, Field("Account that asks to be connected")] = None,
) -> Identity:
    """Take note of somebody whom the provider has just proved: found or made, with the roles that the groups give."""
    if actor.kind != "system":
        refuse("identity.by_provider", "Only the organization's provider says who signs in.", status=403)
    provider = people.provider_in_use()
    if provider is None or not provider.issuer or provider.issuer != issuer:
        refuse("identity.provider", "The organization does not sign people in by this provider.", status=403)
    identity = (
        Identity.objects.select_for_update(of=("self",))
        .select_related("user")
        .filter(issuer=issuer, subject=subject, removed_at__isnull=True)
        .first()
    )
    if identity is None:
        asking = User.objects.get(pk=connecting) if connecting else None
        account = people.account_for(actor.organization_id, email, name, asking)
        identity = Identity.objects.select_for_update(of=("self",)).select_related("user").filter(
            user=account, removed_at__isnull=True
        ).first() or Identity(user=account, user_name=email)
        if identity.subject and identity.issuer == issuer:
            refuse(
                "identity.other_subject",
                "The provider has another person under this address by now.",
                remedy="An owner removes the earlier identity first.",
                status=403,
            )
        identity.issuer, identity.subject = issuer, subject
    elif connecting and identity.user_id != connecting:
        refuse("identity.other_account", "The provider's person is connected to another account.", status=403)
    elif not people.owns_domain(actor.organization_id, email):
        refuse(
            "identity.foreign_domain",
            "Your address is no longer one of this organization's domains.",
            status=403,
        )
    if not identity.active:
        refuse("identity.ended", "Your organization's directory has ended your access.", status=403)
    if not identity.user.is_active and people.known_elsewhere(identity.user, actor.organization_id):
        refuse("identity.inactive", "This account is closed.", status=403)
    if (
        not identity.directory
        and Membership.objects.filter(
            user=identity.user, organization_id=actor.organization_id, suspended_at__isnull=False
        ).exists()
    ):
        refuse("identity.suspended", "Your membership is suspended.", remedy="Ask an owner.", status=403)
    identity.claimed, identity.signed_in_at, identity.changed_at = list(groups), now(), now()
    people.admit(identity.user, actor.organization_id)
    if name and not identity.user.name:
        identity.user.name = name
        identity.user.save(update_fields=["name"])
    identity.save()
    people.settle(actor, identity, provider)
    return identity


@action(
    "identity.create", creates=Identity, requires="members.manage", label="Provision a person", step_up=True
)
def provision(
    actor: Actor,
    *,
    user_name: UserName,
    email: Email = "",
    external_id: ExternalId = "",
    active: Annotated[bool, Field("Active")] = True,
    attributes: Attributes = {},  # noqa: B006 - read only
) -> Identity:
    """Provision a person as the directory does: an account, a membership, and the roles that groups give."""
    if not user_name.strip():
        refuse("required", "Give the user name.", field="user_name", status=422)
    if Identity.objects.filter(user_name__iexact=user_name.strip(), removed_at__isnull=True).exists():
        refuse("identity.exists", f"{user_name} is in the directory already.", field="user_name")
    account = _account(actor, email.strip().lower(), attributes)
    if Identity.objects.filter(user=account, removed_at__isnull=True, directory=True).exists():
        refuse("identity.exists", f"{email} is in the directory already.", field="email")
    identity = Identity.objects.filter(user=account, removed_at__isnull=True).first() or Identity(
        user=account
    )
    identity.user_name, identity.external_id = user_name.strip(), external_id
    identity.attributes, identity.directory, identity.active, identity.changed_at = (
        attributes,
        True,
        True,
        now(),
    )
    identity.save()
    people.admit(account, actor.organization_id)
    people.learn_locale(actor, account, attributes)
    people.settle(actor, identity)
    if not active:
        deprovision(actor, identity, reason="the directory knows them as inactive")
    return identity


def _account(actor: Actor, email: str, attributes: dict[str, Any]) -> User:
    """The account of an address of one's own domains; for any other, one that nobody signs in to by that address."""
    named = attributes.get("name")
    name = str(
        attributes.get("displayName") or (named.get("formatted") if isinstance(named, dict) else "") or ""
    )[:120]
    # To know a member is no sign-in: it is left alone whoever else knows the account too.
    member = User.objects.filter(
        email__iexact=email, kind=User.Kind.PERSON, memberships__organization_id=actor.organization_id
    ).first()
    if member is not None and email:
        return member
    if people.owns_domain(actor.organization_id, email):
        return people.account_for(actor.organization_id, email, name)
    made = User(email=f"{uuid.uuid4().hex}@directory.invalid", name=name)
    made.set_unusable_password()
    made.save()
    return made


@action("identity.edit", on=Identity, requires="members.manage", step_up=True)
def edit(
    actor: Actor,
    identity: Identity,
    *,
    user_name: UserName = KEEP,
    external_id: ExternalId = KEEP,
    attributes: Attributes = KEEP,
) -> Identity:
    """Change what the directory says of somebody. The account's own address stays."""
    _present(identity)
    if user_name is not KEEP:
        taken = Identity.objects.filter(user_name__iexact=user_name.strip(), removed_at__isnull=True).exclude(
            pk=identity.pk
        )
        if not user_name.strip() or taken.exists():
            refuse(
                "identity.exists", "Another person in the directory has this user name.", field="user_name"
            )
        identity.user_name = user_name.strip()
    if external_id is not KEEP:
        identity.external_id = external_id
    if attributes is not KEEP:
        identity.attributes = attributes
        people.learn_locale(actor, identity.user, attributes)
    identity.changed_at = now()
    identity.save()
    return identity


@action(
    "identity.deprovision",
    on=Identity,
    requires="members.manage",
    danger=True,
    confirm="Sessions, tokens, delegations, seats, pending votes and roles end at once.",
    step_up=True,
)
def deprovision(actor: Actor, identity: Identity, *, reason: Reason) -> Identity:
    """End everything that somebody can do in this organization."""
    _present(identity)
    if not identity.active:
        refuse("identity.ended", f"{identity} is inactive already.")
    if identity.user_id == actor.user_id:
        refuse("identity.oneself", "Nobody ends their own access.", remedy="Ask another owner.", status=403)
    people.end(actor, identity, reason)
    identity.active, identity.changed_at = False, now()
    identity.save()
    return identity


@action("identity.readmit", on=Identity, requires="members.manage", step_up=True)
def readmit(actor: Actor, identity: Identity, *, reason: Reason) -> Identity:
    """Let somebody in again, with the roles that their groups give. Seats, votes and tokens do not come back."""
    _present(identity)
    if identity.active:
        refuse("identity.active", f"{identity} is active.")
    identity.active, identity.changed_at = True, now()
    identity.save()
    people.admit(identity.user, actor.organization_id)
    people.settle(actor, identity)
    return identity


@action(
    "identity.remove",
    on=Identity,
    requires="members.manage",
    danger=True,
    confirm="As deprovision, and the directory forgets the person. Records keep the name.",
    step_up=True,
)
def remove(actor: Actor, identity: Identity, *, reason: Reason) -> Identity:
    """End somebody's access and forget what the directory said of them."""
    _present(identity)
    if identity.active:
        deprovision(actor, identity, reason=reason)
        identity.refresh_from_db()
    identity.removed_at, identity.changed_at, identity.attributes, identity.claimed = now(), now(), {}, []
    identity.save()
    for group in DirectoryGroup.objects.filter(members__contains=[str(identity.pk)], removed_at__isnull=True):
        edit_group(actor, group, members=[each for each in group.members if each != str(identity.pk)])
    return identity


def _present(identity: Identity) -> None:
    if identity.removed_at:
        refuse(
            "identity.removed",
            f"{identity} was removed from the directory.",
            remedy="Provision the person anew.",
        )


@action("directory_group.create", creates=DirectoryGroup, requires="members.manage", step_up=True)
def create_group(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", max_length=200)],
    external_id: ExternalId = "",
    members: Members = (),  # type: ignore[assignment]
) -> DirectoryGroup:
    """Keep a group as the directory does; the mapping says which role it gives."""
    group = DirectoryGroup(name=_free(name), external_id=external_id, members=_known(members))
    group.save()
    people.settle_all(actor, people.provider_in_use(), group.members)
    return group


@action("directory_group.edit", on=DirectoryGroup, requires="members.manage", step_up=True)
def edit_group(
    actor: Actor,
    group: DirectoryGroup,
    *,
    name: Annotated[str, Field("Name", max_length=200)] = KEEP,
    external_id: ExternalId = KEEP,
    members: Members = KEEP,
) -> DirectoryGroup:
    """Change a group. Who leaves it loses what it gave, who joins it gains it, at once."""
    if group.removed_at:
        refuse("directory_group.removed", f"{group} was removed.")
    before, renamed = set(group.members), False
    if name is not KEEP and name.strip() != group.name:
        group.name, renamed = _free(name, group), True
    if external_id is not KEEP:
        group.external_id = external_id
    if members is not KEEP:
        group.members = _known(members)
    group.changed_at = now()
    group.save()
    touched = before | set(group.members) if renamed else before ^ set(group.members)
    people.settle_all(actor, people.provider_in_use(), touched)
    return group


@action(
    "directory_group.remove",
    on=DirectoryGroup,
    requires="members.manage",
    danger=True,
    confirm="Its members lose the roles that it gave.",
    step_up=True,
)
def remove_group(actor: Actor, group: DirectoryGroup, *, reason: Reason) -> DirectoryGroup:
    """Remove a group."""
    if group.removed_at:
        refuse("directory_group.removed", f"{group} was removed already.")
    left, group.members = list(group.members), []
    group.removed_at = group.changed_at = now()
    group.save()
    people.settle_all(actor, people.provider_in_use(), left)
    return group


def _free(name: str, group: DirectoryGroup | None = None) -> str:
    found = name.strip()
    if not found:
        refuse("required", "Name the group.", field="name", status=422)
    others = DirectoryGroup.objects.filter(name__iexact=found, removed_at__isnull=True)
    if (others.exclude(pk=group.pk) if group else others).exists():
        refuse("directory_group.exists", f"There is a group {found} already.", field="name")
    return found


def _known(members: Any) -> list[str]:
    wanted = {str(each).strip().lower() for each in members}
    if len(wanted) > _MOST_MEMBERS:
        refuse(
            "directory_group.large",
            f"A group has at most {_MOST_MEMBERS} members.",
            field="members",
            status=422,
        )
    ids = set()
    for each in wanted:
        try:
            ids.add(uuid.UUID(each))
        except ValueError:
            refuse(
                "directory_group.member", f"{each[:60]} is no id of a person.", field="members", status=422
            )
    known = set(Identity.objects.filter(pk__in=ids, removed_at__isnull=True).values_list("pk", flat=True))
    if ids - known:
        refuse(
            "directory_group.member",
            f"Nobody in the directory has the id {sorted(ids - known)[0]}.",
            field="members",
            status=422,
        )
    return sorted(str(each) for each in known)
