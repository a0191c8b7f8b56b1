"""Fixes that turn out to be of high risk while they wait in a scope: they are marked when that becomes known."""

from __future__ import annotations

from typing import Any

from problems.models import Incident
from problems.queries.claims import SOURCE
from problems.queries.staged_fixes import INCIDENT, items_of_defect
from releasetrain.audit.doorway import Actor
from trains.actions.scope import mark_canary, obliged_because
from trains.states import RELEASE_STATES

from .as_system import as_system


def defect_changed(actor: Actor, defect: Any, params: dict[str, Any]) -> None:
    """More severe, back again, or found in more services: what fixes it may be confined to a staged path from now on.

    A marker never goes by itself, and one that was lifted for a reason does not come back by itself.
    """
    kind = INCIDENT if isinstance(defect, Incident) else SOURCE
    for item in items_of_defect(kind, defect.pk):
        if RELEASE_STATES.refusal("release.add_item", item.release):
            continue  # on its way already: what has begun is not changed under the platform's hands
        why = obliged_because(item)
        if why:
            with as_system(actor, f"{defect.key} makes its fix one of high risk") as system:
                mark_canary(system, item, reason=why[:400])
