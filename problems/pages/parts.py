"""What the pages of problems and reviews share: verbs by weight, parts with verbs of their own, neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest

from releasetrain.audit.doorway import actions_on
from releasetrain.interface import neighbours
from releasetrain.interface.links import verb_url
from releasetrain.interface.resources import resource_of
from releasetrain.interface.views.objects import verbs_of


def verbs_of_part(request: HttpRequest, subject: Any) -> list[dict[str, Any]]:
    """The verbs of a part of the page, as buttons."""
    actor = request.actor  # type: ignore[attr-defined]
    found = [
        {
            "action": a,
            "decision": a.decide(actor, subject),
            "url": verb_url(a, subject),
            "css": "sm",
            "ident": str(subject.pk),
        }
        for a in actions_on(type(subject))
        if not a.hidden
    ]
    return [v for v in found if not _out_of_turn(v, subject)]


def _out_of_turn(verb: dict[str, Any], subject: Any) -> bool:
    """A verb that the state rules out would only be a lock; one that the person may not do says why."""
    action = verb["action"]
    return action.machine is not None and action.machine.refusal(action.verb, subject) is not None


def verbs_by_weight(request: HttpRequest, obj: Any, main: Sequence[str]) -> dict[str, Any]:
    """The verbs that the state makes possible: those named are buttons, in that order; the others are under More."""
    resource = resource_of(obj)
    assert resource is not None
    found = [v for v in verbs_of(request, resource, obj) if not _out_of_turn(v, obj)]
    order = {verb: place for place, verb in enumerate(main)}
    first = sorted((v for v in found if v["action"].verb in order), key=lambda v: order[v["action"].verb])
    for place, verb in enumerate(first):
        verb["css"] = "primary" if place == 0 else ""
    return {"main_verbs": first, "more_verbs": [v for v in found if v["action"].verb not in order]}


def further_neighbours(request: HttpRequest, obj: Any, shown: set[str]) -> list[neighbours.Panel]:
    """What the object is connected with, beyond what its page shows anyway."""
    resource = resource_of(obj)
    assert resource is not None
    found = neighbours.of(request.actor, resource, obj)  # type: ignore[attr-defined]
    return [panel for panel in found if panel.resource is None or panel.resource.plural not in shown]
