"""What an actor may do: django-guardian's object permissions, read once per request."""

from __future__ import annotations

from django.db import connection

from releasetrain.kernel.actor import Actor, Grants
from releasetrain.kernel.clock import now


def grants_of(actor: Actor) -> Grants:
    """Permission → scopes on which the actor holds it at this moment."""
    grants: Grants = {}
    with connection.cursor() as cursor:
        # By a function of the database (accounts.guards): every request asks this, and planning it costs the most.
        cursor.execute(
            "SELECT permission, kind, object_id FROM grants_of(%s, %s, %s)",
            [actor.organization_id, actor.user_id, now()],
        )
        for permission, kind, object_id in cursor.fetchall():
            grants.setdefault(permission, set()).add((kind, object_id))
    # Whoever holds anything in the organization may read in it.
    if grants:
        grants.setdefault("organization.view", set()).add(("organization", str(actor.organization_id)))
    return grants
