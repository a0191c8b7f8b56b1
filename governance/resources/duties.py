"""Segregated duties and rollback authorisation as lists, pages and endpoints."""

from __future__ import annotations

from governance.models import (
    DeploymentValidation,
    DutyException,
    DutyMatrix,
    DutyNearMiss,
    PersonAlias,
    RollbackOrder,
    RollbackRule,
)
from releasetrain.interface import navigation
from releasetrain.interface.navigation import Place
from releasetrain.interface.resources import Resource, register

navigation.register(
    Place("duties", "Duties", "lock", "duties/", 122, "Assure", "Segregation of duties"),
)
navigation.register(
    Place("rollbacks", "Rollbacks", "history", "rollbacks/", 124, "Assure", "Rollback authorisation"),
)

register(
    Resource(
        DutyMatrix,
        plural="duty-matrices",
        section="duties",
        icon="lock",
        columns=("number", "state", "changed", "proposed_by", "confirmed_by", "in_force_at"),
        filters=("state",),
        order=("-number",),
        hidden=("cells",),
    )
)
register(
    Resource(
        DutyException,
        plural="duty-exceptions",
        section="duties",
        icon="lock",
        columns=("key", "kind", "change", "user", "act", "state", "granted_by", "expires_at", "used_at"),
        filters=("kind", "state", "act"),
        search=("key", "reason"),
        order=("-created_at",),
        select=("change",),
    )
)
register(
    Resource(
        DutyNearMiss,
        plural="near-misses",
        section="duties",
        icon="alert",
        columns=("tried_at", "user", "verb", "change", "sentence"),
        filters=("verb",),
        search=("sentence", "about"),
        order=("-tried_at",),
    )
)
register(
    Resource(
        DeploymentValidation,
        plural="deployment-validations",
        section="duties",
        columns=("deployment", "validator", "outcome", "validated_at"),
        filters=("outcome",),
        order=("-validated_at",),
        select=("deployment__service", "deployment__environment"),
    )
)
register(
    Resource(
        PersonAlias,
        plural="person-aliases",
        section="duties",
        icon="user",
        columns=("email", "user", "note", "removed_at"),
        search=("email", "user__name"),
        order=("email",),
    )
)
register(
    Resource(
        RollbackRule,
        plural="rollback-rules",
        section="rollbacks",
        icon="history",
        columns=("__str__", "roles", "restore_minutes", "fallback_roles", "retired_at"),
        filters=("tier",),
        order=("tier", "service__name"),
        select=("service",),
    )
)
register(
    Resource(
        RollbackOrder,
        plural="rollback-orders",
        section="rollbacks",
        icon="history",
        columns=("ordered_at", "rollback", "basis", "ordered_by", "restore_minutes", "restored_in"),
        filters=("basis",),
        order=("-ordered_at",),
        select=("rollback__service", "rollback__environment"),
    )
)
