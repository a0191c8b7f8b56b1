"""What is open in a threat model."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

CONTROL_STATES = {"planned": "Planned", "implemented": "Implemented", "verified": "Verified"}
ELEMENT_KINDS = {"process": "Process", "store": "Data store", "flow": "Data flow", "actor": "External actor"}
_MOST = 200


def elements_fault(given: Any) -> str:
    """Why these cannot be the elements of a model; empty when they can."""
    if not isinstance(given, list) or len(given) > _MOST:
        return f"Elements are a list of at most {_MOST}."
    names = set()
    for number, row in enumerate(given, start=1):
        if not isinstance(row, dict) or set(row) - {"name", "kind", "boundary"}:
            return f"Element {number} is an object with name, kind and boundary."
        name = row.get("name")
        if not isinstance(name, str) or not 1 <= len(name.strip()) <= 80 or "\0" in name:
            return f"Element {number}: a name of at most 80 characters is needed."
        if name in names:
            return f"Element {number}: {name} is there twice."
        names.add(name)
        if row.get("kind") not in ELEMENT_KINDS:
            return f"Element {number}: its kind is one of {', '.join(ELEMENT_KINDS)}."
        if not isinstance(row.get("boundary", ""), str) or len(row.get("boundary", "")) > 80:
            return f"Element {number}: a boundary is a text of at most 80 characters."
    return ""


def controls_fault(given: Any) -> str:
    """Why these cannot be the controls against a threat; empty when they can."""
    if not isinstance(given, list) or len(given) > _MOST:
        return f"Controls are a list of at most {_MOST}."
    for number, row in enumerate(given, start=1):
        if not isinstance(row, dict) or set(row) - {"title", "state", "evidence"}:
            return f"Control {number} is an object with title, state and evidence."
        title, evidence = row.get("title"), row.get("evidence", "")
        if not isinstance(title, str) or not 1 <= len(title.strip()) <= 200 or "\0" in title:
            return f"Control {number}: a title of at most 200 characters is needed."
        if row.get("state") not in CONTROL_STATES:
            return f"Control {number}: its state is one of {', '.join(CONTROL_STATES)}."
        if not isinstance(evidence, str) or len(evidence) > 1_000 or "\0" in evidence:
            return f"Control {number}: evidence is a text of at most 1000 characters."
        if row["state"] == "verified" and not evidence.strip():
            return f"Control {number}: say what shows that it works."
    return ""


def open_reason(
    state: str,
    controls: Sequence[dict[str, Any]],
    accepted_until: datetime | None,
    at: datetime,
    *,
    verified: bool = False,
) -> str:
    """Why a threat still blocks; empty when it does not. With `verified` each control must have been shown to work."""
    if state == "not_applicable":
        return ""
    if state == "accepted":
        if accepted_until is not None and accepted_until > at:
            return ""
        return "its acceptance has run out"
    if not controls:
        return "no control stands against it"
    wanted = {"verified"} if verified else {"implemented", "verified"}
    missing = [row["title"] for row in controls if row.get("state") not in wanted]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        return f"{missing[0]}{more} is not {'verified' if verified else 'in place'}"
    return ""
