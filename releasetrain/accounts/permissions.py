"""What an actor may do: django-guardian's object permissions, read once per request."""

from __future__ import annotations

from django.db.models import Q

from releasetrain.kernel.actor import Actor, Grants
from releasetrain.kernel.clock import now

from .models import ObjectPermission


def grants_of(actor: Actor) -> Grants:
    """Permission → scopes on which the actor holds it at this moment."""
    moment = now()
    rows = (
        ObjectPermission.objects.filter(
            organization_id=actor.organization_id, user_id=actor.user_id, starts_at__lte=moment
        )
        .filter(Q(ends_at__isnull=True) | Q(ends_at__gt=moment))
        .values_list("permission__codename", "scope__kind", "scope__object_id")
    )
    grants: Grants = {}
    for permission, kind, object_id in rows:
        grants.setdefault(permission, set()).add((kind, str(object_id)))
    # Whoever holds anything in the organization may read in it.
    if grants:
        grants.setdefault("organization.view", set()).add(("organization", str(actor.organization_id)))
    return grants
