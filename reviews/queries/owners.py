"""Who may do something: the people to whom a proposal or a review belongs."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from releasetrain.accounts.catalogue import ROLES, Role
from releasetrain.accounts.models import Grant, Membership
from releasetrain.kernel.actor import ScopeKey, scope_path
from releasetrain.kernel.clock import now
from releasetrain.tenancy.scope import require_scope

User = get_user_model()


def grants_on(scopes: Iterable[ScopeKey], roles: Iterable[str]) -> QuerySet[Grant]:
    """Roles that count on any of these scopes, or on the whole organization, now."""
    where = Q(scope__kind="organization")
    for kind, pk in scopes:
        if kind != "organization":
            where |= Q(scope__kind=kind, scope__object_id=pk)
    at = now()
    rows = Grant.objects.filter(where, role__in=list(roles), revoked_at__isnull=True, starts_at__lte=at)
    return rows.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at))


def people_with(permission: str, about: Any) -> QuerySet[Any]:
    """The active people who hold the permission on the object, on what owns it, or on the organization."""
    organization = require_scope().organization_id
    roles = [role for role in Role if permission in ROLES[role].permissions]
    return _people(organization).filter(
        pk__in=grants_on(scope_path(about, organization), roles).values("user_id")
    )


def people_in_roles(roles: Iterable[str], about: Any) -> QuerySet[Any]:
    """The active people who hold one of the roles there."""
    organization = require_scope().organization_id
    return _people(organization).filter(
        pk__in=grants_on(scope_path(about, organization), roles).values("user_id")
    )


def _people(organization: uuid.UUID) -> QuerySet[Any]:
    members = Membership.objects.filter(organization_id=organization, suspended_at__isnull=True)
    people = User.objects.filter(is_active=True, kind="person", pk__in=members.values("user_id"))
    return people.order_by("name", "email")


def roles_of(user_id: uuid.UUID | None) -> list[str]:
    """The roles somebody holds anywhere in the organization now."""
    if user_id is None:
        return []
    at = now()
    rows = Grant.objects.filter(user=user_id, revoked_at__isnull=True, starts_at__lte=at)
    rows = rows.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at))
    return sorted(set(rows.values_list("role", flat=True)))
