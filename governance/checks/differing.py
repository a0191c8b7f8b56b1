"""How two publications of one check differ, in plain words."""

from __future__ import annotations

from typing import Any

from . import registry
from .parameters import BadParameter, Parameter


def differences(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """What publishing would change, check by check, in plain words."""
    old, new = {c["name"]: c for c in before}, {c["name"]: c for c in after}
    found = [(name, "is no longer asked.") for name in old if name not in new]
    found += [(name, f"is new: {rule_of(new[name])}") for name in new if name not in old]
    for name, was in old.items():
        becomes = new.get(name)
        if becomes is None:
            continue
        if was["kind"] == becomes["kind"]:
            found += [(name, sentence) for sentence in spec_changes(was, becomes)]
        else:
            found.append((name, f"asks something else now: {rule_of(becomes)}"))
    kept = [n for n in new if n in old]
    if kept != [n for n in old if n in new]:
        found.append(("Order", "has changed; it only says in which order checks are shown."))
    return found


def rule_of(spec: dict[str, Any]) -> str:
    """What a check demands, in plain words; its title where its parameters cannot be read."""
    kind = registry.find(spec["kind"])
    try:
        return kind.rule(kind.clean(spec["parameters"])) if kind else spec["kind"]
    except BadParameter:
        return kind.title if kind else spec["kind"]


def spec_changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """One sentence for each thing that differs: parameters with their labels and units, age limit, waivers."""
    kind = registry.find(after["kind"])
    declared = kind.parameters if kind else {}
    found = []
    for name in dict.fromkeys((*before["parameters"], *after["parameters"])):
        parameter = declared.get(name)
        old, new = _read(parameter, before["parameters"], name), _read(parameter, after["parameters"], name)
        if old != new:
            label = parameter.label if parameter else name
            found.append(f"{label}: {_worded(parameter, old)} becomes {_worded(parameter, new)}.")
    if before["max_age_hours"] != after["max_age_hours"]:
        ages = f"{before['max_age_hours']:g} h becomes {after['max_age_hours']:g} h"
        found.append(f"Age limit of evidence: {ages}.")
    if before.get("waivable", True) != after.get("waivable", True):
        found.append(
            "It may be waived now." if after.get("waivable", True) else "It may not be waived any more."
        )
    usual = "compliance_officer"
    was, becomes = before.get("waived_by") or usual, after.get("waived_by") or usual
    if was != becomes:
        found.append(f"Waivers are granted by {_role(becomes)}, no longer by {_role(was)}.")
    return found


def _read(parameter: Parameter | None, given: dict[str, Any], name: str) -> Any:
    """The value as it would be kept; as it was typed where it cannot be read."""
    if parameter is None:
        return given.get(name)
    try:
        return parameter.clean(given.get(name, parameter.default))
    except BadParameter:
        return given.get(name)


def _worded(parameter: Parameter | None, value: Any) -> str:
    if value in (None, "", []):
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    if parameter is not None and parameter.choices:
        return dict(parameter.choices).get(str(value), str(value))
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{shown} {parameter.unit}".strip() if parameter is not None else shown


def _role(name: str) -> str:
    return name.replace("_", " ")
