"""What provider and directory say of people, made true here: accounts, memberships, the roles that groups give, and their end."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.db.models import Q

from governance.actions import boards as board_verbs
from governance.actions.boardroom import void_votes
from governance.models import BoardMember, ChangeRequest, Vote
from releasetrain.accounts.actions import create_grant, revoke_grant
from releasetrain.accounts.catalogue import Role
from releasetrain.accounts.models import ApiToken, Grant, Membership, User
from releasetrain.accounts.sessions import end_sessions
from releasetrain.exchange.models import DirectoryGroup, Identity, IdentityProvider, SignInDomain
from releasetrain.exchange.rules.identities import difference, domain_of, roles_of
from releasetrain.kernel import locales
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused, refuse


def provider_in_use() -> IdentityProvider | None:
    """The organization's provider, if one is connected."""
    return IdentityProvider.objects.filter(disabled_at__isnull=True).first()


def owns_domain(organization_id: uuid.UUID, email: str) -> bool:
    """Whether the address ends in a domain that this organization has proved to be its own."""
    domain = domain_of(email)
    return (
        bool(domain)
        and SignInDomain.objects.filter(
            organization_id=organization_id, domain=domain, verified_at__isnull=False
        ).exists()
    )


def known_elsewhere(user: User, organization_id: uuid.UUID) -> bool:
    """Whether another organization knows this account, suspended or not."""
    return Membership.objects.filter(user=user).exclude(organization_id=organization_id).exists()


def account_for(organization_id: uuid.UUID, email: str, name: str, connecting: User | None = None) -> User:
    """The account behind an address of one's own domain: found, or made. Never one that another organization knows.

    `connecting` is a person who is signed in by themselves and asks for their own account to be connected.
    """
    if not owns_domain(organization_id, email):
        refuse(
            "identity.foreign_domain",
            f"{domain_of(email) or 'This address'} is no domain of this organization.",
            remedy="An owner claims and verifies the domain in the settings.",
            status=403,
        )
    if connecting is not None:
        if connecting.email.lower() != email:
            refuse(
                "identity.other_address",
                "The provider knows you by another address than this account's.",
                remedy="Sign in with the account of that address.",
                status=403,
            )
        return connecting
    found = User.objects.filter(email__iexact=email).first()
    if found is None:
        made = User(email=email, name=name[:120])
        made.set_unusable_password()
        made.save()
        return made
    if found.kind != User.Kind.PERSON:
        refuse("identity.service", "This address belongs to a service account.", status=403)
    if known_elsewhere(found, organization_id):
        refuse(
            "identity.known_elsewhere",
            "Another organization knows this account too, so single sign-on does not take it over.",
            remedy="Sign in with your password once, then connect it on your account's page.",
            status=403,
        )
    if not Membership.objects.filter(user=found, organization_id=organization_id).exists():
        _reclaim(found)
    return found


def _reclaim(user: User) -> None:
    """An account that nobody vouched for, under an address that now is proved: whoever opened it keeps no way in."""
    from allauth.mfa.models import Authenticator

    Authenticator.objects.filter(user=user).delete()
    ApiToken.objects.filter(user=user, revoked_at__isnull=True).update(revoked_at=now())
    user.set_unusable_password()
    user.save(update_fields=["password"])


def admit(user: User, organization_id: uuid.UUID) -> None:
    """Make the person a member whose account works."""
    membership, _ = Membership.objects.get_or_create(user=user, organization_id=organization_id)
    if membership.suspended_at is not None:
        membership.suspended_at = None
        membership.save(update_fields=["suspended_at"])
    if not user.is_active and not known_elsewhere(user, organization_id):
        user.is_active = True
        user.save(update_fields=["is_active"])


def learn_locale(actor: Actor, user: User, attributes: dict[str, Any]) -> None:
    """SCIM's `preferredLanguage` and `locale`, for an account that is this organization's alone and has chosen nothing."""
    if user.language or user.region or known_elsewhere(user, actor.organization_id):
        return
    told = [str(attributes.get(name) or "") for name in ("preferredLanguage", "locale")]
    languages, regions = zip(*(locales.split(tag) for tag in told), strict=True)
    user.language = next(filter(None, languages), "")
    user.region = next(filter(None, reversed(regions)), "")
    if user.language or user.region:
        user.save(update_fields=["language", "region"])


def groups_of(identity: Identity) -> set[str]:
    """The names of the groups somebody is in: as the directory keeps them, and as the last sign-in said."""
    kept = DirectoryGroup.objects.filter(members__contains=[str(identity.pk)], removed_at__isnull=True)
    return {*kept.values_list("name", flat=True), *identity.claimed}


def settle(actor: Actor, identity: Identity, provider: IdentityProvider | None = None) -> None:
    """Give the roles that the groups give by now, take back those that they no longer give. By hand given ones stay."""
    provider = provider or provider_in_use()
    mapping = provider.mapping if provider is not None else []
    wanted = roles_of(groups_of(identity), mapping) if identity.active else set()
    held = list(
        Grant.objects.filter(
            user_id=identity.user_id, revoked_at__isnull=True, scope__kind="organization"
        ).select_related("scope", "user")
    )
    ours = {grant.role: grant for grant in held if str(grant.pk) in identity.given}
    change = difference(wanted, set(ours), {grant.role for grant in held})
    for role in sorted(change.give):
        given = create_grant(actor, email=identity.user.email, role=Role(role))
        ours[role] = given
    for role in sorted(change.take):
        if _taken_back(actor, ours[role], "no group gives this role any more"):
            del ours[role]
    present = sorted(str(grant.pk) for grant in ours.values())
    if present != sorted(identity.given):
        identity.given = present
        identity.save()


def _taken_back(actor: Actor, grant: Grant, why: str) -> bool:
    """Revoke a grant; the last owner's stays, so that the organization is never without one."""
    try:
        revoke_grant(actor, grant, reason=why)
    except Refused as refused:
        if all(each.code == "grant.last_owner" for each in refused.refusals):
            return False
        raise
    return True


def settle_all(
    actor: Actor, provider: IdentityProvider | None, identities: Iterable[Any] | None = None
) -> None:
    """Settle everybody, or those named by id, after a change of the mapping or of a group."""
    rows = Identity.objects.filter(removed_at__isnull=True).select_related("user")
    if identities is not None:
        rows = rows.filter(pk__in=list(identities))
    for identity in rows:
        settle(actor, identity, provider)


def end(actor: Actor, identity: Identity, why: str) -> dict[str, int]:
    """End all that somebody can do here, at once: membership, sessions, tokens, delegations, seats, pending votes, roles."""
    user, organization_id = identity.user, actor.organization_id
    # What follows is the rule's doing, whatever else whoever ordered it may do.
    rule = Actor.system(organization_id, f"access of {user} ended by {actor.name}"[:100], route=actor.route)
    rule.request_id = actor.request_id
    Membership.objects.filter(user=user, organization_id=organization_id, suspended_at__isnull=True).update(
        suspended_at=now()
    )
    ended = {"sessions": end_sessions(user, organization_id)}
    if not known_elsewhere(user, organization_id):
        user.is_active = False
        user.save(update_fields=["is_active"])
    ended["tokens"] = ApiToken.objects.filter(
        user=user, organization_id=organization_id, revoked_at__isnull=True
    ).update(revoked_at=now())
    ended["seats"] = _end_seats(rule, user, why)
    ended["votes"] = _void_pending_votes(rule, user, why)
    grants = list(Grant.objects.filter(user=user, revoked_at__isnull=True).select_related("scope", "user"))
    ended["roles"] = sum(_taken_back(rule, grant, why) for grant in grants)
    identity.given = []
    return ended


def _end_seats(actor: Actor, user: User, why: str) -> int:
    seats = list(BoardMember.objects.filter(Q(user=user) | Q(deputy_of=user), removed_at__isnull=True))
    for seat in seats:
        board_verbs.remove_member(actor, seat, reason=why)
    return len(seats)


def _void_pending_votes(actor: Actor, user: User, why: str) -> int:
    """Votes on what is not decided yet no longer count: the board is asked again."""
    undecided = ChangeRequest.objects.filter(state=ChangeRequest.State.AWAITING_APPROVAL)
    cast = Vote.objects.filter(Q(voter=user) | Q(cast_by=user), change__in=undecided).select_related("change")
    changes = {vote.change_id: vote.change for vote in cast if vote.revision == vote.change.revision}
    for change in changes.values():
        void_votes(actor, change, reason=why)
    return len(changes)
