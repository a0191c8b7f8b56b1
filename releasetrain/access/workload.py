"""A pipeline shows its ID token and gets a short access: who it is, which rule takes it, what it gets."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction

from releasetrain.accounts import tokens
from releasetrain.accounts.models import ApiToken, User
from releasetrain.audit import ledger
from releasetrain.interface.api import guesses
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope

from . import issuers
from .models import TrustRule
from .rules import assertions
from .rules.assertions import BadAssertion
from .rules.claims import Demand, condition_of, most_exact, reasons_against, subject_of

# Accesses that are over are kept so long for the page; what was done with them is in the ledger for good.
KEPT = timedelta(days=30)


@dataclass(frozen=True)
class Identity:
    """A pipeline that proved who it is. Stands where an API token would stand on a request."""

    organization: Organization
    user: User
    rule_id: uuid.UUID
    rule_name: str
    minutes: int
    subject: str
    spends: bytes

    @property
    def pk(self) -> str:
        return f"workload:{self.rule_id}"

    @property
    def acts_as(self) -> str:
        return f"{self.user} ({self.subject})"


@dataclass(frozen=True)
class Trial:
    """What one rule says to some claims."""

    rule: TrustRule
    reasons: list[str]

    @property
    def takes(self) -> bool:
        return not self.reasons


def demand_of(rule: TrustRule) -> Demand:
    return Demand(
        rule.issuer, rule.audience, tuple(condition_of(c) for c in rule.conditions), rule.pull_requests
    )


def trial(rule: TrustRule, claims: Mapping[str, Any]) -> Trial:
    """What a rule says to a token with these claims; what is switched off says no."""
    reasons = reasons_against(demand_of(rule), claims)
    if rule.disabled_at:
        reasons.insert(0, "The rule is disabled.")
    if rule.service_account.disabled_at:
        reasons.insert(0, f"The service account {rule.service_account} is disabled.")
    return Trial(rule, reasons)


def identify(organization: Organization, text: str) -> Identity:
    """The pipeline behind an ID token. No transaction is open while the issuer is asked."""
    unproved = assertions.read(text)
    with tenant_scope(organization.pk, Actor.system(organization.pk, "trust rules", route="api")):
        rules = list(
            TrustRule.objects.filter(
                issuer=unproved.issuer, disabled_at__isnull=True, service_account__disabled_at__isnull=True
            ).select_related("service_account__user")
        )
    if not rules:
        raise BadAssertion(
            "workload.issuer",
            "No trust rule of this organization names the token's issuer.",
            "An owner adds one on the page Workload identity.",
        )
    key = issuers.key_of(unproved.issuer, unproved.key_id)
    claims = assertions.proved(unproved, key, sorted({rule.audience for rule in rules}), now())
    fitting = [(str(r.pk), demand_of(r)) for r in rules if not reasons_against(demand_of(r), claims)]
    chosen = most_exact(fitting)
    if chosen is None:
        raise _unfitting(fitting)
    rule = next(r for r in rules if str(r.pk) == chosen)
    return Identity(
        organization,
        rule.service_account.user,
        rule.pk,
        rule.name,
        rule.minutes,
        subject_of(claims),
        assertions.digest(unproved.issuer, claims),
    )


def exchange(actor: Actor, identity: Identity) -> dict[str, Any]:
    """Give the pipeline its access, once for each ID token. Inside the organization's scope."""
    rule = TrustRule.objects.select_related("service_account").get(pk=identity.rule_id)
    token_id, secret, text = tokens.generate()
    moment = now()
    expires_at = moment + timedelta(minutes=rule.minutes)
    try:
        with transaction.atomic():
            ApiToken.objects.create(
                id=token_id,
                organization_id=actor.organization_id,
                user_id=rule.service_account.user_id,
                label=rule.name,
                secret_hash=tokens.secret_hash(secret),
                created_at=moment,
                created_by=rule.service_account.user_id,
                expires_at=expires_at,
                trust_rule=rule.pk,
                subject=identity.subject,
                assertion=identity.spends,
            )
    except IntegrityError:
        raise BadAssertion(
            "workload.replay",
            "This ID token was exchanged before.",
            "Ask the CI system for a new one; each opens one access.",
        ) from None
    # A fresh access is heard from an address that others guess from.
    guesses.proved(text)
    ledger.append(
        actor, "trust_rule.exchange", rule, {"subject": identity.subject, "access": token_id, "until": expires_at.isoformat()}
    )  # fmt: skip
    return {
        "access_token": text,
        "token_type": "Bearer",
        "expires_in": rule.minutes * 60,
        "expires_at": expires_at,
        "service_account": rule.service_account.name,
        "trust_rule": rule.name,
        "subject": identity.subject,
    }


def clear(organization_id: uuid.UUID) -> int:
    """Remove accesses that have long been over. Their ID tokens have expired too, so nothing can be replayed."""
    gone, _ = ApiToken.objects.filter(
        organization_id=organization_id, trust_rule__isnull=False, expires_at__lt=now() - KEPT
    ).delete()
    return gone


def _unfitting(fitting: list[Any]) -> BadAssertion:
    """Nothing of the rules is told to whoever holds any token of the issuer: on GitHub that is everybody."""
    if fitting:
        return BadAssertion(
            "workload.ambiguous",
            "Several trust rules take this token and demand equally much.",
            "Let one of them demand more, or disable the others.",
        )
    return BadAssertion(
        "workload.refused",
        "The token is genuine, but no trust rule takes what it says.",
        "An owner can try its claims on the page Workload identity, which says why for each rule.",
    )
