"""Verbs of an organization's sign-in: its provider, its domains, which group gives which role, its directory's token."""

from __future__ import annotations

import hashlib
import secrets
from typing import Annotated, Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from releasetrain.accounts.catalogue import ROLES, Role
from releasetrain.audit.doorway import Actor, Field, action, explain_constraint
from releasetrain.exchange import naming, people, sealing, signing_on
from releasetrain.exchange.models import Identity, IdentityProvider, SignInDomain
from releasetrain.exchange.rules import addresses
from releasetrain.exchange.rules.identities import domain_of
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import KEEP
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.models import Organization

explain_constraint("identity_provider_once", "The organization has an identity provider already.")
_MOST_DOMAINS, _MOST_GROUPS = 50, 200
TOKEN_PREFIX = "rts_"  # noqa: S105 - how a directory's token begins, not a token
# A role that groups give: people's, on the whole organization, without an end.
GROUP_ROLES = [
    role
    for role in Role
    if role not in (Role.AUDITOR, Role.SERVICE_ACCOUNT) and "organization" in ROLES[role].scopes
]

Issuer = Annotated[
    str,
    Field(
        "Issuer",
        help="https://…, exactly as the provider's discovery document writes it. Empty: directory only.",
        max_length=300,
    ),
]
ClientId = Annotated[str, Field("Client id", max_length=200)]
Secret = Annotated[str, Field("Client secret", help="Kept encrypted; shown nowhere.", max_length=500)]
GroupClaim = Annotated[
    str, Field("Claim with the groups", help="For example groups, or realm_access.roles.", max_length=80)
]
Vouches = Annotated[
    bool,
    Field(
        "Vouches for addresses",
        help="Only for a provider that never says email_verified and lets nobody choose an address.",
    ),
]
Group = Annotated[str, Field("Group", help="As the provider or the directory names it.", max_length=200)]


def _checked_issuer(issuer: str) -> str:
    text = issuer.strip()
    wrong = addresses.fault(text, addresses.networks(settings.WEBHOOK_ALLOWED_NETWORKS)) if text else ""
    if not wrong and ("?" in text or "#" in text):
        wrong = "An issuer has no query and no fragment."
    if wrong:
        refuse(
            "identity_provider.issuer",
            wrong,
            remedy="Networks of your own are permitted by the operator: WEBHOOK_ALLOWED_NETWORKS.",
            field="issuer",
            status=422,
        )
    return text


def _needs_client(issuer: str, client_id: str) -> None:
    if issuer and not client_id.strip():
        refuse(
            "identity_provider.client",
            "The provider knows this product by a client id.",
            field="client_id",
            status=422,
        )


@action(
    "identity_provider.create",
    creates=IdentityProvider,
    requires="organization.manage",
    quiet=("client_secret",),
    label="Connect a provider",
    step_up=True,
)
def connect(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", help="What people read on the sign-in page.", max_length=80)],
    issuer: Issuer = "",
    client_id: ClientId = "",
    client_secret: Secret = "",
    group_claim: GroupClaim = "groups",
    vouches: Vouches = False,
) -> IdentityProvider:
    """Connect the organization's own sign-in by OpenID Connect; its directory can be connected to it."""
    if IdentityProvider.objects.filter(disabled_at__isnull=True).exists():
        refuse(
            "identity_provider.exists",
            "The organization has an identity provider.",
            remedy="Change it, or disable it first.",
        )
    address = _checked_issuer(issuer)
    _needs_client(address, client_id)
    return IdentityProvider.objects.create(
        name=name.strip(),
        issuer=address,
        client_id=client_id.strip(),
        sealed_secret=sealing.seal(client_secret),
        group_claim=group_claim.strip() or "groups",
        vouches=vouches,
    )


@action(
    "identity_provider.edit",
    on=IdentityProvider,
    requires="organization.manage",
    quiet=("client_secret",),
    step_up=True,
)
def edit(
    actor: Actor,
    provider: IdentityProvider,
    *,
    name: Annotated[str, Field("Name", max_length=80)] = KEEP,
    issuer: Issuer = KEEP,
    client_id: ClientId = KEEP,
    client_secret: Annotated[
        str, Field("Client secret", help="Empty: the present one stays.", max_length=500)
    ] = "",
    group_claim: GroupClaim = KEEP,
    vouches: Annotated[bool | None, Field("Vouches for addresses")] = None,
) -> IdentityProvider:
    """Change how people sign in. Another issuer knows nobody yet: people are found again by their verified address."""
    _living(provider)
    if name is not KEEP and name.strip():
        provider.name = name.strip()
    if issuer is not KEEP:
        provider.issuer = _checked_issuer(issuer)
    if client_id is not KEEP:
        provider.client_id = client_id.strip()
    if client_secret:
        provider.sealed_secret = sealing.seal(client_secret)
    if group_claim is not KEEP and group_claim.strip():
        provider.group_claim = group_claim.strip()
    if vouches is not None:
        provider.vouches = vouches
    _needs_client(provider.issuer, provider.client_id)
    provider.save()
    return provider


@action("identity_provider.try_out", on=IdentityProvider, requires="organization.manage", label="Look it up")
def try_out(actor: Actor, provider: IdentityProvider) -> dict[str, Any]:
    """Ask the provider for its discovery document and keys, to see whether sign-in can begin."""
    _living(provider)
    if not provider.issuer:
        refuse(
            "identity_provider.no_issuer",
            "No issuer is set, so there is nothing to look up.",
            remedy="Give the issuer and the client id.",
        )
    try:
        found = signing_on.discovered(provider.issuer)
    except signing_on.SignOnFailed as failed:
        refuse(
            failed.code, failed.sentence, remedy="Compare the issuer with the provider's discovery document."
        )
    return {
        name: str(found[name])[:300]
        for name in ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
    }


@action(
    "identity_provider.map_group",
    on=IdentityProvider,
    requires="members.manage",
    label="Map a group",
    step_up=True,
)
def map_group(
    actor: Actor,
    provider: IdentityProvider,
    *,
    group: Group,
    role: Annotated[Role, Field("Role", choices=lambda: [(each.value, each.label) for each in GROUP_ROLES])],
) -> IdentityProvider:
    """Give a role to everybody in a group, now and at each sign-in or change of the directory."""
    _living(provider)
    if role not in GROUP_ROLES:
        refuse(
            "mapping.role",
            f"{role.label} is not given by a group.",
            remedy="An auditor's access is time-boxed, and a service account is no person: grant them one by one.",
            field="role",
            status=422,
        )
    if not group.strip():
        refuse("mapping.group", "Name the group.", field="group", status=422)
    pair = {"group": group.strip(), "role": role.value}
    if any(
        each["group"].casefold() == group.strip().casefold() and each["role"] == role
        for each in provider.mapping
    ):
        refuse("mapping.exists", f"{group.strip()} gives this role already.", field="group")
    if len(provider.mapping) >= _MOST_GROUPS:
        refuse("mapping.many", f"At most {_MOST_GROUPS} rows map groups to roles.", field="group")
    provider.mapping = sorted(
        [*provider.mapping, pair], key=lambda each: (each["group"].casefold(), each["role"])
    )
    provider.save()
    people.settle_all(actor, provider)
    return provider


@action(
    "identity_provider.unmap_group",
    on=IdentityProvider,
    requires="members.manage",
    label="Unmap a group",
    danger=True,
    confirm="Whoever holds the role by this group loses it at once.",
    step_up=True,
)
def unmap_group(
    actor: Actor, provider: IdentityProvider, *, group: Group, role: Annotated[Role, Field("Role")]
) -> IdentityProvider:
    """Let a group give a role no more."""
    _living(provider)
    left = [
        each
        for each in provider.mapping
        if not (each["group"].casefold() == group.strip().casefold() and each["role"] == role)
    ]
    if len(left) == len(provider.mapping):
        refuse("mapping.absent", f"{group.strip()} does not give this role.", field="group")
    provider.mapping = left
    provider.save()
    people.settle_all(actor, provider)
    return provider


def _living(provider: IdentityProvider) -> None:
    if provider.disabled_at:
        refuse("identity_provider.disabled", f"{provider} is disabled.", remedy="Connect a provider anew.")


@action(
    "identity_provider.claim_domain",
    on=IdentityProvider,
    requires="organization.manage",
    label="Claim a domain",
    step_up=True,
)
def claim_domain(
    actor: Actor,
    provider: IdentityProvider,
    *,
    domain: Annotated[str, Field("E-mail domain", help="For example northwind.example.", max_length=253)],
) -> dict[str, str]:
    """Say that people's addresses end in this domain; the answer is the DNS record that proves it is yours."""
    _living(provider)
    name = domain_of(domain)
    if not name:
        refuse("domain.malformed", "This is no domain of e-mail addresses.", field="domain", status=422)
    mine = SignInDomain.objects.filter(organization_id=actor.organization_id)
    if mine.count() >= _MOST_DOMAINS:
        refuse("domain.many", f"An organization claims at most {_MOST_DOMAINS} domains.", field="domain")
    claim, _ = SignInDomain.objects.get_or_create(
        organization_id=actor.organization_id, domain=name, defaults={"challenge": secrets.token_hex(16)}
    )
    return {"record": naming.record_of(claim), "type": "TXT", "value": naming.value_of(claim)}


@action(
    "identity_provider.verify_domain",
    on=IdentityProvider,
    requires="organization.manage",
    label="Verify a domain",
    step_up=True,
)
def verify_domain(
    actor: Actor,
    provider: IdentityProvider,
    *,
    domain: Annotated[str, Field("E-mail domain", max_length=253)],
) -> IdentityProvider:
    """Look for the DNS record. From then on the domain's people are sent here to sign in, and nowhere else."""
    _living(provider)
    claim = _claim(actor, domain)
    if claim.verified_at:
        refuse("domain.verified", f"{claim} is verified already.", field="domain")
    if actor.route != "command" and not naming.is_proved(claim):
        refuse(
            "domain.unproved",
            f"{naming.record_of(claim)} has no TXT record {naming.value_of(claim)}.",
            remedy="Add it where the domain's DNS is kept; it may take some minutes to be seen.",
            field="domain",
        )
    claim.verified_at = now()
    try:
        with transaction.atomic():
            claim.save()
    except IntegrityError:
        refuse(
            "domain.taken",
            f"{claim} is verified by another organization.",
            remedy="Ask the operator of this installation.",
            field="domain",
        )
    return provider


@action(
    "identity_provider.release_domain",
    on=IdentityProvider,
    requires="organization.manage",
    label="Release a domain",
    danger=True,
    confirm="People with such addresses can no longer sign in by the provider.",
    step_up=True,
)
def release_domain(
    actor: Actor,
    provider: IdentityProvider,
    *,
    domain: Annotated[str, Field("E-mail domain", max_length=253)],
) -> IdentityProvider:
    """Claim a domain no more."""
    _claim(actor, domain).delete()
    return provider


def _claim(actor: Actor, domain: str) -> SignInDomain:
    claim = SignInDomain.objects.filter(
        organization_id=actor.organization_id, domain=domain_of(domain)
    ).first()
    if claim is None:
        refuse("domain.absent", "The organization does not claim this domain.", field="domain")
    return claim


@action(
    "identity_provider.require",
    on=IdentityProvider,
    requires="organization.manage",
    label="Require single sign-on",
    danger=True,
    confirm="Passwords lead nobody into the organization any more; an owner may break the glass, on record.",
    step_up=True,
)
def require(actor: Actor, provider: IdentityProvider) -> IdentityProvider:
    """Let people in by the provider only."""
    _living(provider)
    if not provider.issuer:
        refuse(
            "identity_provider.no_issuer", "No issuer is set.", remedy="Give the issuer and the client id."
        )
    if not Identity.objects.filter(~Q(subject=""), issuer=provider.issuer, active=True).exists():
        refuse(
            "identity_provider.untried",
            "Nobody has signed in by this provider yet.",
            remedy="Sign in by it once, so that nobody is locked out by a typing error.",
        )
    _single_sign_on(actor, value=True)
    return provider


@action(
    "identity_provider.make_optional",
    on=IdentityProvider,
    requires="organization.manage",
    label="Allow passwords again",
    step_up=True,
)
def make_optional(actor: Actor, provider: IdentityProvider) -> IdentityProvider:
    """Let people in by password too."""
    _single_sign_on(actor, value=False)
    return provider


def _single_sign_on(actor: Actor, *, value: bool) -> None:
    organization = Organization.objects.select_for_update().get(pk=actor.organization_id)
    if organization.single_sign_on == value:
        refuse("identity_provider.as_is", "It is so already.")
    organization.single_sign_on = value
    organization.save(update_fields=["single_sign_on"])


@action(
    "identity_provider.issue_token",
    on=IdentityProvider,
    requires="organization.manage",
    label="New directory token",
    step_up=True,
)
def issue_directory_token(actor: Actor, provider: IdentityProvider) -> dict[str, str]:
    """Connect the directory (SCIM); the answer shows its token once. An earlier one stops working."""
    _living(provider)
    token = TOKEN_PREFIX + secrets.token_urlsafe(36)
    provider.directory_hash = token_hash(token)
    provider.directory_since = now()
    provider.save()
    slug = Organization.objects.get(pk=actor.organization_id).slug
    return {"token": token, "address": f"{settings.PUBLIC_URL}/scim/{slug}/v2"}


@action(
    "identity_provider.revoke_token",
    on=IdentityProvider,
    requires="organization.manage",
    label="Revoke the directory token",
    danger=True,
    confirm="The directory changes nothing here any more. Nobody loses anything by it.",
    step_up=True,
)
def revoke_directory_token(actor: Actor, provider: IdentityProvider) -> IdentityProvider:
    """Disconnect the directory."""
    if not provider.directory_hash:
        refuse("identity_provider.no_token", "The directory has no token.")
    provider.directory_hash, provider.directory_since = "", None
    provider.save()
    return provider


def token_hash(token: str) -> str:
    """A fast hash is right: the secret is random."""
    return hashlib.sha256(token.encode()).hexdigest()


@action(
    "identity_provider.disable",
    on=IdentityProvider,
    requires="organization.manage",
    danger=True,
    confirm="Nobody signs in by it any more, and its directory is disconnected. Roles that groups gave stay.",
    step_up=True,
)
def disable(
    actor: Actor, provider: IdentityProvider, *, reason: Annotated[str, Field("Reason", max_length=300)]
) -> IdentityProvider:
    """Take the provider out of use. Passwords lead in again."""
    _living(provider)
    Organization.objects.filter(pk=actor.organization_id).update(single_sign_on=False)
    provider.disabled_at = now()
    provider.directory_hash, provider.directory_since = "", None
    provider.save()
    return provider


@action(
    "organization.break_glass",
    on=Organization,
    requires="organization.manage",
    hidden=True,
    label="Break the glass",
    danger=True,
    step_up=True,
)
def break_glass(
    actor: Actor,
    organization: Organization,
    *,
    reason: Annotated[str, Field("Reason", help="Read by auditors.", long=True, max_length=1_000)],
) -> Organization:
    """Enter by password although the organization asks for single sign-on; for an hour, in this browser."""
    if not organization.single_sign_on:
        refuse("glass.whole", "The organization does not ask for single sign-on.", remedy="Just sign in.")
    if not reason.strip():
        refuse("required", "Say why: it is read by auditors.", field="reason")
    return organization
