"""Acts that follow by rule from what somebody did: done and recorded as the system's, with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.scope import tenant_scope


@contextmanager
def as_system(actor: Actor, reason: str) -> Iterator[Actor]:
    """The system acting in the organization of `actor`, so that history, too, does not name a person for a rule."""
    system = Actor.system(actor.organization_id, reason, route=actor.route)
    with tenant_scope(actor.organization_id, system):
        yield system
