"""Reading rollback authorisation: which one counts for a service, who may order by it, and how the orders went."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F, Q, QuerySet

from governance.models import RollbackOrder, RollbackRule
from releasetrain.accounts.catalogue import Role
from releasetrain.accounts.models import Grant
from releasetrain.kernel.actor import Actor, scope_path
from releasetrain.kernel.clock import now
from trains.models import Service
from trains.rules import rollback_thresholds as rules

Basis = RollbackOrder.Basis
LOOKED_BACK = timedelta(days=365)


def rule_for(service: Service) -> RollbackRule | None:
    """The service's own authorisation, else that of its tier; None when there is neither."""
    rows = RollbackRule.objects.filter(Q(service=service) | Q(tier=service.tier), retired_at__isnull=True)
    # One for the service sorts before the one for the tier.
    return rows.order_by(F("service").asc(nulls_last=True)).first()


def basis_for(actor: Actor, rule: RollbackRule, service: Service) -> str | None:
    """By what right this actor may order a rollback of the service; None when by none."""
    held = roles_of(actor, service)
    if held & set(rule.roles):
        return Basis.ROLE
    if held & set(rule.fallback_roles):
        return Basis.FALLBACK
    return None


def roles_of(actor: Actor, service: Service) -> set[str]:
    """The roles that count for the service: on it, its train or the organization, held now."""
    if actor.user_id is None:
        return set()
    moment = now()
    wanted = Q()
    for kind, object_id in scope_path(service, actor.organization_id):
        wanted |= Q(scope__kind=kind, scope__object_id=object_id)
    return set(
        Grant.objects.filter(
            wanted,
            Q(ends_at__isnull=True) | Q(ends_at__gt=moment),
            user_id=actor.user_id,
            revoked_at__isnull=True,
            starts_at__lte=moment,
        ).values_list("role", flat=True)
    )


def names(roles: list[str]) -> str:
    """Roles as people say them."""
    labels = dict(Role.choices)
    said = [str(labels.get(r, r)) for r in roles]
    return ", ".join(said[:-1]) + (" or " if len(said) > 1 else "") + said[-1] if said else "nobody"


def who_may(rule: RollbackRule) -> str:
    return f"holders of the role {names(rule.roles)}"


def other_ways(rule: RollbackRule) -> str:
    """What else leads to a rollback."""
    ways = []
    if rule.thresholds:
        said = "; ".join(str(rules.stored(row)) for row in rule.thresholds)
        ways.append(f"Pre-authorised on a threshold: {said}.")
    if rule.fallback_roles:
        ways.append(f"When none of them can be reached: {names(rule.fallback_roles)}, and a review follows.")
    return " ".join(ways) or "Ask one of them."


def orders(since: timedelta = LOOKED_BACK) -> QuerySet[RollbackOrder]:
    """Orders with what became of them, newest first."""
    return RollbackOrder.objects.filter(ordered_at__gte=now() - since).select_related(
        "rollback__service", "rollback__environment", "ordered_by", "rule"
    )
