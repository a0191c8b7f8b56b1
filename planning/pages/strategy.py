"""What the page of a test strategy shows: lines by level, gaps, and where its verbs are."""

from __future__ import annotations

from typing import Any

from planning.models import TestStrategy
from planning.queries.strategy import standings
from releasetrain.audit.doorway import actions_on
from releasetrain.interface import links


def strategy_page(request: Any, strategy: TestStrategy) -> dict[str, Any]:
    """Lines with their verbs, the gaps, and the share that a machine runs."""
    (standing,) = standings([strategy.subject])
    found = []
    for line in standing.lines:
        verbs = [
            (action.title, links.verb_url(action, line))
            for action in actions_on(type(line))
            if action.decide(request.actor, line).allowed
        ]
        found.append({"line": line, "verbs": verbs})
    return {"standing": standing, "lines": found}
