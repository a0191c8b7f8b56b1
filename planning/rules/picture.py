"""The difference between two pictures of a plan, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

AREAS = {"features": "Features", "goals": "Goals", "shares": "Shares of capacity", "releases": "Releases"}
WORDS = {"done_points": "points done", "plan": "place in the plan"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is new, gone or changed."""

    area: str
    key: str
    title: str
    kind: str
    sentence: str


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Everything that differs; equal pictures differ in nothing."""
    found: list[Difference] = []
    for area in AREAS:
        old, new = before.get(area, {}), after.get(area, {})
        for key in sorted(old.keys() | new.keys()):
            title = str((new.get(key) or old.get(key) or {}).get("title", ""))
            if key not in old:
                found.append(Difference(area, key, title, "added", "is new"))
            elif key not in new:
                found.append(Difference(area, key, title, "removed", "is no longer there"))
            elif old[key] != new[key]:
                names = sorted(set(old[key]) | set(new[key]))
                said = [
                    _said(n, old[key].get(n), new[key].get(n))
                    for n in names
                    if old[key].get(n) != new[key].get(n)
                ]
                found.append(Difference(area, key, title, "changed", "; ".join(said)))
    return tuple(found)


def _said(name: str, old: Any, new: Any) -> str:
    return f"{WORDS.get(name, name.replace('_', ' '))}: {_shown(old)} → {_shown(new)}"


def _shown(value: Any) -> str:
    return "none" if value in (None, "") else str(value)
