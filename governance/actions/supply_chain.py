"""Verbs of what components and builds are held against: the licence policy and builders' keys."""

from __future__ import annotations

from typing import Annotated

from governance.gates import invalidate
from governance.models import BuilderKey, LicencePolicy
from governance.rules.intake.provenance import NoKey, read_public_key
from governance.rules.licences import unknown_licences
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import refuse

MOST = 500
Licences = Annotated[list[str], Field("Denied", help="SPDX identifiers, one a line.", long=True)]


@action(
    "licence_policy.set",
    creates=LicencePolicy,
    requires="gates.manage",
    label="Set the licence policy",
    confirm="It replaces the policy in force; verdicts that read licences are asked again.",
)
def set_licence_policy(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", max_length=120)],
    allowed: Annotated[
        list[str],
        Field("Allowed", help="SPDX identifiers, one a line. Empty: whatever is not denied.", long=True),
    ] = [],  # noqa: B006 - never changed
    denied: Licences = [],  # noqa: B006
    excepted: Annotated[
        list[str],
        Field(
            "Exceptions",
            help="Package URLs without version that are let through, one a line: pkg:npm/left-pad.",
            long=True,
        ),
    ] = [],  # noqa: B006
    unknown: Annotated[LicencePolicy.Unknown, Field("Without a licence")] = LicencePolicy.Unknown.DENY,
) -> LicencePolicy:
    """Set which licences the components of the organization may have."""
    lists = {"allowed": allowed, "denied": denied, "excepted": excepted}
    kept = {field: sorted({word.strip() for word in words if word.strip()}) for field, words in lists.items()}
    for field, words in kept.items():
        if len(words) > MOST or any(len(word) > 200 for word in words):
            refuse("licence_policy.long", f"At most {MOST} entries of 200 characters.", field=field)
    for field in ("allowed", "denied"):
        strange = unknown_licences(kept[field])
        if strange:
            refuse(
                "licence_policy.licence",
                f"{strange[0][:80]} is no SPDX licence identifier.",
                remedy="Write identifiers of the SPDX licence list, such as MIT or AGPL-3.0-only.",
                field=field,
            )
    both = sorted(set(kept["allowed"]) & set(kept["denied"]))
    if both:
        refuse("licence_policy.both", f"{both[0]} is allowed and denied.", field="denied")
    strange = [word for word in kept["excepted"] if not word.startswith("pkg:")]
    if strange:
        refuse("licence_policy.package", f"{strange[0][:80]} is no package URL.", field="excepted")
    if not name.strip():
        refuse("licence_policy.name", "A policy has a name.", field="name")
    for standing in LicencePolicy.objects.select_for_update().filter(retired_at__isnull=True):
        standing.retired_at = now()
        standing.save()
    policy = LicencePolicy.objects.create(name=name.strip(), unknown=unknown, **kept)
    invalidate(organization=True)
    return policy


@action(
    "licence_policy.retire",
    on=LicencePolicy,
    requires="gates.manage",
    danger=True,
    confirm="Checks of the licence policy do not pass without one.",
)
def retire_licence_policy(
    actor: Actor, policy: LicencePolicy, *, reason: Annotated[str, Field("Reason", long=True)]
) -> LicencePolicy:
    """Take the policy out of force."""
    if policy.retired_at:
        refuse("licence_policy.retired", f"{policy} is not in force.")
    policy.retired_at = now()
    policy.save()
    invalidate(organization=True)
    return policy


@action("builder_key.register", creates=BuilderKey, requires="gates.manage", label="Register a builder's key")
def register_builder_key(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", max_length=120)],
    public_key: Annotated[str, Field("Public key", help="PEM; Ed25519 or ECDSA over P-256.", long=True)],
    builder: Annotated[
        str,
        Field(
            "Builder",
            help="The builder's id begins with this, e.g. https://ci.example/. Empty: any builder's.",
            max_length=300,
        ),
    ] = "",
) -> BuilderKey:
    """Register a public key that provenance may be signed with. Provenance posted before stays as it was judged."""
    if not name.strip():
        refuse("builder_key.name", "A key has a name.", field="name")
    try:
        found = read_public_key(public_key)
    except NoKey as error:
        refuse("builder_key.key", str(error), field="public_key")
    known = BuilderKey.objects.filter(fingerprint=found.fingerprint).first()
    if known:
        refuse("builder_key.known", f"This key is registered as {known}.", field="public_key", status=409)
    return BuilderKey.objects.create(
        name=name.strip(),
        public_key=found.pem,
        algorithm=found.algorithm,
        fingerprint=found.fingerprint,
        builder=builder.strip(),
    )


@action(
    "builder_key.retire",
    on=BuilderKey,
    requires="gates.manage",
    danger=True,
    confirm="Provenance that only this key signed counts as unverified from now on.",
)
def retire_builder_key(
    actor: Actor, key: BuilderKey, *, reason: Annotated[str, Field("Reason", long=True)]
) -> BuilderKey:
    """Trust a key no longer, whatever it signed and whenever."""
    if key.retired_at:
        refuse("builder_key.retired", f"{key} is retired.")
    key.retired_at = now()
    key.save()
    invalidate(organization=True)
    return key
