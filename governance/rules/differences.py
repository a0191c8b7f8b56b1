"""How two contents of a change differ, field by field, in words that a board reads."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

NAMES = {
    "title": "Title",
    "type": "Type",
    "risk": "Risk",
    "service": "Service",
    "environment": "Environment",
    "window": "Window",
    "implementation_plan": "Implementation plan",
    "test_plan": "Test plan",
    "communication_plan": "Communication plan",
    "backout_plan": "Backout plan",
    "model": "Change model",
    "risk_answers": "Risk answers",
    "affected": "Affected items",
    "joint": "Joint session",
    "version": "Release version",
    "classification": "Classification",
    "tier": "Tier",
    "rollback_plan": "Rollback plan of the release",
    "success_criteria": "Success criteria",
    "environments": "Production environments",
    "release": "Release",
}
NOTHING = "nothing"


@dataclass(frozen=True)
class Difference:
    """One field that differs: what it was and is now, "nothing" where it was not there."""

    field: str
    before: str
    after: str

    @property
    def kind(self) -> str:
        if self.before == NOTHING:
            return "added"
        return "removed" if self.after == NOTHING else "changed"


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """Every field that differs, the order of reading: what it is, its plans, then scope and builds of the release."""
    found = []
    for name in [*NAMES, *sorted((set(old) | set(new)) - set(NAMES))]:
        if name == "release":
            continue
        found += _field(name, old.get(name), new.get(name))
    return found + _release(old.get("release") or {}, new.get("release") or {})


def _field(name: str, before: Any, after: Any) -> list[Difference]:
    label = NAMES.get(name, name.replace("_", " ").capitalize())
    if before == after or (not before and not after):
        return []
    if isinstance(before, dict | type(None)) and isinstance(after, dict | type(None)) and (before or after):
        keys = sorted({*(before or {}), *(after or {})})
        return [
            Difference(
                f"{label}: {key.replace('_', ' ')}",
                _word((before or {}).get(key)),
                _word((after or {}).get(key)),
            )
            for key in keys
            if (before or {}).get(key) != (after or {}).get(key)
        ]
    if isinstance(before, str) and isinstance(after, str) and ("\n" in before or "\n" in after):
        return _lines(label, before, after)
    if name == "window":
        return [Difference(label, _window(before), _window(after))]
    return [Difference(label, _word(before), _word(after))]


def _lines(label: str, before: str, after: str) -> list[Difference]:
    """Only the lines of a text that differ."""
    old, new = before.splitlines(), after.splitlines()
    found = []
    for how, i1, i2, j1, j2 in difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if how != "equal":
            found.append(Difference(label, _word("\n".join(old[i1:i2])), _word("\n".join(new[j1:j2]))))
    return found or [Difference(label, _word(before), _word(after))]


def _release(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    found = []
    for name in ("version", "classification", "tier", "rollback_plan", "success_criteria", "environments"):
        found += _field(name, old.get(name), new.get(name))
    before = {i["id"]: i for i in old.get("items", [])}
    after = {i["id"]: i for i in new.get("items", [])}
    for key in [*before, *(k for k in after if k not in before)]:
        one, other = before.get(key), after.get(key)
        if one != other:
            found.append(Difference("Scope", _item(one), _item(other)))
    builds = {b["service"]: b for b in old.get("artifacts", [])}
    present = {b["service"]: b for b in new.get("artifacts", [])}
    for service in sorted({*builds, *present}):
        if builds.get(service) != present.get(service):
            found.append(
                Difference(f"Build of {service}", _build(builds.get(service)), _build(present.get(service)))
            )
    return found


def _item(item: Mapping[str, Any] | None) -> str:
    if item is None:
        return NOTHING
    late = ", after the freeze" if item.get("after_freeze") else ""
    marked = ", canary marker" if item.get("canary") else ""
    return f"{item['title']} (tier {item['tier']}{late}{marked})"


def _build(build: Mapping[str, Any] | None) -> str:
    return f"{build['version']} ({build['digest'][:19]}…)" if build else NOTHING


def _window(window: Any) -> str:
    moments = [datetime.fromisoformat(m) for m in window or [] if m]
    return f"{moments[0]:%d %b %Y %H:%M} to {moments[-1]:%d %b %Y %H:%M} UTC" if moments else NOTHING


def _word(value: Any) -> str:
    if value in (None, "", [], {}):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(v) for v in value)
    return str(value)
