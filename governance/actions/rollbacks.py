"""Verbs of rollback authorisation: who may order one, and ordering one on a threshold; each order is put on record."""

from __future__ import annotations

from typing import Annotated, Any

from governance.models import RollbackOrder, RollbackRule
from governance.ports import DueReview, require_review
from governance.queries import rollbacks as queries
from releasetrain.accounts.catalogue import Role
from releasetrain.audit.doorway import Ref, action, explain_constraint, register_effect, register_guard
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Refusal, refuse
from trains.actions.deployments import roll_back_deployment
from trains.models import Deployment, Service
from trains.rules import rollback_thresholds as rules

Basis = RollbackOrder.Basis
explain_constraint("rollback_rule_once_per_service", "This service has a rollback authorisation already.")
explain_constraint("rollback_rule_once_per_tier", "This tier has a rollback authorisation already.")

Roles = Annotated[
    list[Role],
    Field("Who may order it", help="Any of these roles on the service, its train or the organization."),
]
Minutes = Annotated[
    int, Field("Back within minutes", help="From the order to the restored service.", min=1, max=10_000)
]
Fallback = Annotated[
    str,
    Field("Fallback", help="What is done when a rollback does not restore it.", long=True, max_length=5_000),
]
FallbackRoles = Annotated[
    list[Role],
    Field("Who may when none of these can be reached", help="Business continuity; a review follows."),
]
Thresholds = Annotated[
    str,
    Field(
        "Pre-authorised thresholds", help=f"One a line, like: {rules.EXAMPLE}.", long=True, max_length=2_000
    ),
]
Controls = Annotated[
    str,
    Field(
        "Resilience controls", help="One a line, e.g. DORA Art. 11(6), BCP-4.", long=True, max_length=2_000
    ),
]


@action(
    "rollback_rule.create", creates=RollbackRule, requires="controls.manage", label="Add an authorisation"
)
def create_rule(
    actor: Actor,
    *,
    roles: Roles,
    restore_minutes: Minutes,
    fallback: Fallback,
    tier: Annotated[int | None, Field("Tier", help="Either a tier or one service.", min=1, max=4)] = None,
    service: Annotated[Service | None, Field("Service")] = None,
    fallback_roles: FallbackRoles = [],  # noqa: B006 - read only
    thresholds: Thresholds = "",
    controls: Controls = "",
) -> RollbackRule:
    """Say who may order a rollback of a tier's services, or of one service, and how quickly it has to be back."""
    if (tier is None) == (service is None):
        refuse("rollback_rule.about", "It is about a tier or about one service.", field="tier")
    return RollbackRule.objects.create(
        service=service,
        tier=tier,
        **_said(roles, restore_minutes, fallback, fallback_roles, thresholds, controls),
    )


@action("rollback_rule.edit", on=RollbackRule, requires="controls.manage")
def edit_rule(
    actor: Actor,
    rule: RollbackRule,
    *,
    roles: Roles,
    restore_minutes: Minutes,
    fallback: Fallback,
    fallback_roles: FallbackRoles = [],  # noqa: B006 - read only
    thresholds: Thresholds = "",
    controls: Controls = "",
) -> RollbackRule:
    """Change an authorisation. Orders given before keep what they were given under."""
    if rule.retired_at:
        refuse("rollback_rule.retired", "It is no longer in force.")
    for name, value in _said(roles, restore_minutes, fallback, fallback_roles, thresholds, controls).items():
        setattr(rule, name, value)
    rule.save()
    return rule


@action("rollback_rule.retire", on=RollbackRule, requires="controls.manage", danger=True)
def retire_rule(
    actor: Actor, rule: RollbackRule, *, reason: Annotated[str, Field("Reason", long=True)]
) -> RollbackRule:
    """Take an authorisation out of force; then the permission alone decides, or the tier's authorisation."""
    if rule.retired_at:
        refuse("rollback_rule.retired", "It is no longer in force.")
    rule.retired_at = now()
    rule.save()
    return rule


def _said(
    roles: list[Role], minutes: int, fallback: str, fallback_roles: list[Role], thresholds: str, controls: str
) -> dict[str, Any]:
    if not roles:
        refuse("rollback_rule.nobody", "Somebody has to be able to order it.", field="roles")
    if not fallback.strip():
        refuse("required", "Say what is done when the rollback does not restore it.", field="fallback")
    lines = [line for line in thresholds.splitlines() if line.strip()]
    read = [rules.read(line) for line in lines]
    for line, threshold in zip(lines, read, strict=True):
        if threshold is None:
            refuse(
                "rollback_rule.threshold",
                f"{line.strip()[:80]!r} states no threshold.",
                remedy=f"Write it like: {rules.EXAMPLE}.",
                field="thresholds",
            )
    if len(read) > rules.MOST:
        refuse("rollback_rule.thresholds", f"At most {rules.MOST} thresholds.", field="thresholds")
    return {
        "roles": [str(r) for r in dict.fromkeys(roles)],
        "restore_minutes": minutes,
        "fallback": fallback.strip(),
        "fallback_roles": [str(r) for r in dict.fromkeys(fallback_roles)],
        "thresholds": [t.as_json() for t in read if t],
        "controls": [line.strip()[:120] for line in controls.splitlines() if line.strip()][:20],
    }


@action(
    "deployment.roll_back_on_threshold",
    on=Deployment,
    requires="deployments.record",
    danger=True,
    confirm="This orders a rollback and puts it on record as a deployment of its own.",
)
def roll_back_on_threshold(
    actor: Actor,
    deployment: Deployment,
    *,
    metric: Annotated[str, Field("Measured", help="As the authorisation names it.", max_length=80)],
    value: Annotated[float, Field("Value")],
    minutes: Annotated[int, Field("For minutes", min=0, max=10_000)],
    reason: Annotated[str, Field("Reason", long=True)] = "",
) -> Deployment:
    """Order the rollback that a threshold has authorised beforehand: on-call and pipelines need nobody else for it."""
    rule = queries.rule_for(deployment.service)
    if rule is None:
        refuse(
            "rollback.no_thresholds",
            f"No rollback of {deployment.service} is pre-authorised.",
            remedy="Somebody with the permission deployments.rollback orders it.",
        )
    thresholds = [rules.stored(row) for row in rule.thresholds]
    crossed = rules.crossed(thresholds, metric, value, minutes)
    if crossed is None:
        said = "; ".join(map(str, thresholds)) or "none"
        refuse(
            "rollback.threshold",
            f"{metric} {value:g} for {minutes} min is no threshold that authorises a rollback.",
            remedy=f"Pre-authorised: {said}. Otherwise {queries.who_may(rule)} order it.",
            field="metric",
        )
    system = Actor.system(
        actor.organization_id, f"{rule}: {crossed}, ordered by {actor.name}"[:100], route="rule"
    )
    rollback: Deployment = roll_back_deployment(system, deployment, reason=reason or f"{crossed}.")
    rollback.deployed_by_id, rollback.deployed_by_name = actor.user_id, actor.name[:200]
    rollback.save()
    put_order(
        actor, rollback, rule, Basis.THRESHOLD, reason, f"{metric} {value:g} for {minutes} min: {crossed}"
    )
    return rollback


def may_order(actor: Actor, deployment: Deployment, params: dict[str, Any]) -> Refusal | None:
    """A rollback of production is ordered by whom the service's authorisation names."""
    if actor.kind == "system" or not deployment.environment.is_production:
        return None
    rule = queries.rule_for(deployment.service)
    if rule is None or queries.basis_for(actor, rule, deployment.service) is not None:
        return None
    return Refusal(
        "rollback.not_authorised",
        f"You may not order a rollback of {deployment.service}: {queries.who_may(rule)} do.",
        remedy=queries.other_ways(rule),
        blocked_by=Ref.of(rule),
        status=403,
    )


def put_on_record(actor: Actor, subject: Any, params: dict[str, Any]) -> None:
    """Every order says by what right it was given; by the fallback it is reviewed."""
    if actor.kind == "system":
        return
    deployment = subject
    rollback = deployment.rolled_back_by.order_by("-started_at", "-id").first()
    if rollback is None or not deployment.environment.is_production:
        return
    rule = queries.rule_for(deployment.service)
    basis = queries.basis_for(actor, rule, deployment.service) if rule else Basis.PERMISSION
    put_order(actor, rollback, rule, basis or Basis.PERMISSION, str(params.get("reason") or ""))


def put_order(
    actor: Actor, rollback: Deployment, rule: RollbackRule | None, basis: str, reason: str, measured: str = ""
) -> None:
    order = RollbackOrder.objects.create(
        rollback=rollback,
        rule=rule if basis != Basis.PERMISSION else None,
        basis=basis,
        measured=measured[:200],
        ordered_by_id=actor.user_id,
        ordered_at=rollback.started_at,
        reason=reason,
        restore_minutes=rule.restore_minutes if rule and basis != Basis.PERMISSION else None,
    )
    if basis == Basis.FALLBACK:
        require_review(
            actor,
            DueReview(
                because=f"The rollback of {rollback.service} was ordered by the fallback.",
                subject=order,
                release=rollback.release,
                deployment=rollback,
                service=rollback.service,
            ),
        )


register_guard("deployment.roll_back", may_order)
register_effect("deployment.roll_back", put_on_record)
