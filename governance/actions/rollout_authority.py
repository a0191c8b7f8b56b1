"""Rollback authorisation of what goes back together: plans over several services, and rollouts.

Whoever orders one, or authorises beforehand that it happens by itself, has to be whom each service's authorisation
names. Each rollback that comes of it is put on record with its right, as one that is ordered alone.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from governance.models import RollbackOrder, RollbackRule
from governance.queries import rollbacks as queries
from releasetrain.audit.doorway import Ref, Refusal, register_effect, register_guard
from releasetrain.kernel.actor import Actor
from trains.models import Deployment, Environment, RollbackPlan, Rollout, Service, StagedPath
from trains.ports import rollback_authorities

from .rollbacks import put_order

Basis = RollbackOrder.Basis


def _basis_of(user_id: UUID, rule: RollbackRule, service: Service) -> str | None:
    """By what right a person may order a rollback of the service."""
    person = Actor(organization_id=service.organization_id, user_id=user_id, name="", kind="person")
    return queries.basis_for(person, rule, service)


def _not_authorised(service: Service, rule: RollbackRule) -> Refusal:
    return Refusal(
        "rollback.not_authorised",
        f"You may not order a rollback of {service}: {queries.who_may(rule)} do.",
        remedy=queries.other_ways(rule),
        blocked_by=Ref.of(rule),
        status=403,
    )


def _refused(actor: Actor, services: list[Service], environment: Environment) -> Refusal | None:
    if actor.kind == "system" or not environment.is_production:
        return None
    for service in services:
        rule = queries.rule_for(service)
        if rule is not None and queries.basis_for(actor, rule, service) is None:
            return _not_authorised(service, rule)
    return None


def may_order_plan(actor: Actor, plan: RollbackPlan | None, params: dict[str, Any]) -> Refusal | None:
    """A plan takes back only what its orderer may take back alone."""
    if plan is None:
        return None
    services = list(Service.objects.filter(pk__in=[s["service"] for s in plan.steps]).order_by("name"))
    return _refused(actor, services, plan.environment)


def may_roll_back(actor: Actor, rollout: Rollout | None, params: dict[str, Any]) -> Refusal | None:
    return None if rollout is None else _refused(actor, [rollout.service], rollout.environment)


def may_authorise_path(actor: Actor, path: StagedPath | None, params: dict[str, Any]) -> Refusal | None:
    """A path of one service is authorised by whom its authorisation names; one of any service is asked at each start."""
    if path is None or path.service is None or actor.kind == "system":
        return None
    rule = queries.rule_for(path.service)
    if rule is None or queries.basis_for(actor, rule, path.service) is not None:
        return None
    return _not_authorised(path.service, rule)


@rollback_authorities
def authority(user_id: UUID, service: Service, environment: Environment) -> str:
    """Why a person's authorisation does not count for a service in an environment."""
    if not environment.is_production:
        return ""
    rule = queries.rule_for(service)
    if rule is None or _basis_of(user_id, rule, service) is not None:
        return ""
    return (
        f"Whoever authorised the path may not order a rollback of {service} ({queries.who_may(rule)} do):"
        " a failed analysis holds the rollout."
    )


def record_orders(actor: Actor, plan: RollbackPlan, params: dict[str, Any]) -> None:
    """The rollbacks that a plan ordered by now, each by the right of whoever ordered the plan, or of its trigger."""
    wanted = [s["deployment"] for s in plan.steps if s["deployment"]]
    rows = Deployment.objects.filter(pk__in=wanted, rollback_orders__isnull=True)
    for rollback in rows.select_related("service", "environment", "release"):
        if rollback.environment.is_production:
            _put(actor, rollback, plan.ordered_by_id, plan.ordered_on)


def record_return(actor: Actor, rollout: Rollout, params: dict[str, Any]) -> None:
    """The rollback that a failed analysis ordered by itself: pre-authorised, and put on record as such."""
    rows = Deployment.objects.filter(rolls_back=rollout.deployment_id, rollback_orders__isnull=True)
    rollback = rows.order_by("-started_at").first() if rollout.deployment_id else None
    if rollback and rollback.environment.is_production:
        _put(actor, rollback, None, rollout.reason)


def _put(actor: Actor, rollback: Deployment, ordered_by: UUID | None, because: str) -> None:
    rule = queries.rule_for(rollback.service)
    basis: str | None = Basis.PERMISSION
    if rule is not None:
        basis = _basis_of(ordered_by, rule, rollback.service) if ordered_by else Basis.THRESHOLD
    by = Actor(
        organization_id=actor.organization_id,
        user_id=ordered_by,
        name=actor.name,
        kind="person" if ordered_by else "system",
    )
    measured = because if basis == Basis.THRESHOLD else ""
    put_order(by, rollback, rule, basis or Basis.PERMISSION, because, measured)


for _verb in ("rollback_plan.order", "rollback_plan.authorise"):
    register_guard(_verb, may_order_plan)
register_guard("rollout.roll_back", may_roll_back)
register_guard("staged_path.authorise", may_authorise_path)
for _verb in ("rollback_plan.begin_step", "rollback_plan.validate"):
    register_effect(_verb, record_orders)
register_effect("rollout.go_back", record_return)
