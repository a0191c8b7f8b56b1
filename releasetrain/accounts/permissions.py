"""What an actor may do: django-guardian's object permissions, read once per request."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection

from releasetrain.kernel.actor import Actor, Grants
from releasetrain.kernel.clock import now
from releasetrain.tenancy.scope import Question

# By a function of the database (accounts.guards): every request asks this, and planning it costs the most.
_ASK = "SELECT permission, kind, object_id FROM grants_of(%s, %s, %s)"


def grants_of(actor: Actor) -> Grants:
    """Permission → scopes on which the actor holds it at this moment."""
    with connection.cursor() as cursor:
        cursor.execute(_ASK, _whose(actor))
        return _grants(actor, cursor.fetchall())


def asked_on_entering(actor: Actor) -> Question | None:
    """The same question for whoever enters a scope without having been asked; the system may do everything."""
    if actor.kind == "system" or not actor.user_id or actor.asked:
        return None
    return Question(_ASK, _whose(actor), lambda rows: actor.holds(_grants(actor, rows)))


def _whose(actor: Actor) -> tuple[Any, ...]:
    return actor.organization_id, actor.user_id, now()


def _grants(actor: Actor, rows: Iterable[tuple[Any, ...]]) -> Grants:
    grants: Grants = {}
    for permission, kind, object_id in rows:
        grants.setdefault(permission, set()).add((kind, object_id))
    # Whoever holds anything in the organization may read in it.
    if grants:
        grants.setdefault("organization.view", set()).add(("organization", str(actor.organization_id)))
    return grants
