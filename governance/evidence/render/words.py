"""Plain values as people read them. No locale and no clock: the same value always gives the same words."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_DAY = re.compile(r"\d{4}-\d\d-\d\d\Z")
_CHOICE = re.compile(r"[a-z]+(_[a-z]+)*\Z")
_DIGEST = re.compile(r"(sha256:)?[0-9a-f]{40,64}\Z")
_OF_CHOICES = {
    *(
        "state",
        "verdict",
        "kind",
        "type",
        "risk",
        "classification",
        "choice",
        "severity",
        "outcome",
        "mode",
        "act",
        "rule",
    ),
    *("category", "tier", "status", "origin", "did", "depth", "method"),
}


def at_path(data: Any, path: str) -> Any:
    """The value at a dotted path, or None."""
    for step in path.split("."):
        data = data.get(step) if isinstance(data, dict) else None
    return data


def cell(data: dict[str, Any], path: str) -> str:
    """A value for a table: short."""
    value = at_path(data, path)
    if isinstance(value, str) and _DIGEST.match(value):
        return value.rpartition(":")[2][:16] + "…"
    text = said(value, path.rpartition(".")[2])
    return text if len(text) <= 240 else text[:239] + "…"


def said(value: Any, name: str = "") -> str:
    """A value in words; `name` is the field it stands in."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, dict):
        return str(
            value.get("label") or value.get("name") or ", ".join(f"{k}: {said(v)}" for k, v in value.items())
        )
    if isinstance(value, list):
        return ", ".join(said(item) for item in value)
    text = str(value)
    if isinstance(value, str):
        if _MOMENT.match(text):
            return moment(text)
        if name in _OF_CHOICES and _CHOICE.match(text):
            return text.replace("_", " ").capitalize()
    return text


def moment(value: str | datetime) -> str:
    """A moment in UTC, to the second."""
    try:
        parsed = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except ValueError:
        return str(value)
    return f"{parsed.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if parsed.tzinfo else str(value)


def heading(name: str) -> str:
    """A field's name as a heading."""
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]
