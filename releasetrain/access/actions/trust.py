"""Verbs of trust rules: whose ID tokens are taken, as which service account."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from django.conf import settings

from releasetrain.access.models import TrustRule
from releasetrain.access.queries.trust import audience as own_audience
from releasetrain.access.rules.claims import ISSUERS, BadCondition, conditions_of
from releasetrain.accounts.models import ApiToken, ServiceAccount
from releasetrain.audit.doorway import action, explain_constraint
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import KEEP, Field
from releasetrain.kernel.refusals import Ref, refuse

explain_constraint("trust_rule_name_once", "There is a trust rule with this name already.")

Conditions = Annotated[
    list[str],
    Field(
        "What a token must say",
        help="One claim=pattern a line, e.g. repository=acme/ledger or ref=refs/heads/main; * stands for any"
        " characters but /. Each claim must match one of its lines.",
        long=True,
    ),
]
Issuer = Annotated[
    str,
    Field(
        "Issuer", help="Empty: github.com or gitlab.com. For servers of your own: their iss.", max_length=300
    ),
]
Audience = Annotated[
    str, Field("Audience", help="Empty: this organization's own address, which is best.", max_length=300)
]
Minutes = Annotated[int, Field("Minutes an access lives", min=1, max=15)]
Requests = Annotated[
    bool,
    Field(
        "Also pull and merge requests", help="Strangers can open them. Leave this off for whatever decides."
    ),
]


@action("trust_rule.create", creates=TrustRule, requires="tokens.manage", label="Trust a pipeline")
def create_trust_rule(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", help="For example the repository.", max_length=80)],
    system: TrustRule.System,
    service_account: Annotated[
        ServiceAccount, Field("Acts as", help="What it may do is what this account may.")
    ],
    conditions: Conditions,
    issuer: Issuer = "",
    audience: Audience = "",
    minutes: Minutes = 15,
    pull_requests: Requests = False,
) -> TrustRule:
    """Let pipelines act by their own ID token, without a stored secret."""
    if TrustRule.objects.filter(name=name.strip()).exists():
        refuse("trust_rule.exists", f"There is a trust rule {name} already.", field="name")
    if service_account.disabled_at:
        refuse(
            "service_account.disabled",
            f"{service_account} is disabled.",
            blocked_by=Ref.of(service_account),
            field="service_account",
        )
    return TrustRule.objects.create(
        name=name.strip(),
        system=system,
        issuer=_issuer(issuer, system),
        audience=audience.strip() or own_audience(),
        service_account=service_account,
        conditions=_conditions(conditions, system),
        minutes=minutes,
        pull_requests=pull_requests,
    )


@action("trust_rule.edit", on=TrustRule, requires="tokens.manage")
def edit_trust_rule(
    actor: Actor,
    rule: TrustRule,
    *,
    conditions: Conditions = KEEP,
    minutes: Minutes = KEEP,
    pull_requests: Requests = KEEP,
    reason: Annotated[str, Field("Reason", max_length=300)],
) -> TrustRule:
    """Change what a token must say. Accesses given already live on for their minutes."""
    if conditions is not KEEP:
        rule.conditions = _conditions(conditions, rule.system)
    if minutes is not KEEP:
        rule.minutes = minutes
    if pull_requests is not KEEP:
        rule.pull_requests = pull_requests
    rule.save()
    return rule


@action(
    "trust_rule.disable",
    on=TrustRule,
    requires="tokens.manage",
    danger=True,
    confirm="No further token is taken by it, and what it gave stops working at once.",
)
def disable_trust_rule(
    actor: Actor, rule: TrustRule, *, reason: Annotated[str, Field("Reason", max_length=300)]
) -> TrustRule:
    """Take no further token by this rule, and end the accesses it gave."""
    if rule.disabled_at:
        refuse("trust_rule.disabled", f"{rule} is disabled already.")
    rule.disabled_at = now()
    rule.save()
    ApiToken.objects.filter(
        organization_id=actor.organization_id,
        trust_rule=rule.pk,
        revoked_at__isnull=True,
        expires_at__gt=now(),
    ).update(revoked_at=now())
    return rule


@action("trust_rule.enable", on=TrustRule, requires="tokens.manage")
def enable_trust_rule(
    actor: Actor, rule: TrustRule, *, reason: Annotated[str, Field("Reason", max_length=300)]
) -> TrustRule:
    """Take tokens by this rule again."""
    if not rule.disabled_at:
        refuse("trust_rule.enabled", f"{rule} is not disabled.")
    if rule.service_account.disabled_at:
        refuse(
            "service_account.disabled",
            f"{rule.service_account} is disabled.",
            blocked_by=Ref.of(rule.service_account),
        )
    rule.disabled_at = None
    rule.save()
    return rule


def _conditions(lines: list[str], system: str) -> list[str]:
    try:
        return [str(each) for each in conditions_of(lines, system)]
    except BadCondition as bad:
        refuse(
            "trust_rule.condition",
            str(bad),
            remedy="The guide to workload identity lists the claims of GitHub and GitLab.",
            field="conditions",
        )


def _issuer(issuer: str, system: str) -> str:
    wanted = issuer.strip() or ISSUERS.get(system, "")
    try:
        parts = urlsplit(wanted)
        host = parts.hostname
        local = parts.scheme == "http" and bool(settings.WEBHOOK_ALLOWED_NETWORKS)
    except ValueError:
        host, local = None, False
    if (
        not host
        or not (wanted.startswith("https://") or local)
        or parts.query
        or parts.fragment
        or parts.username
    ):
        refuse(
            "trust_rule.issuer",
            "The issuer is an address that begins with https://, as the claim iss says it.",
            remedy="Issuers in networks of your own are permitted by the operator: WEBHOOK_ALLOWED_NETWORKS.",
            field="issuer",
        )
    return wanted
