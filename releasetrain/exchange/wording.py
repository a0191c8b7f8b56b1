"""How an act is told in a line."""

from __future__ import annotations

from releasetrain.audit.doorway import actions


def told(label: str, verb: str) -> str:
    """What was done to what, e.g. "RAIL: created"."""
    action = actions().get(verb)
    if action is None:
        return f"{label}: {verb}"
    return f"{label}: {'created' if action.tail == 'create' else action.title.lower()}"
