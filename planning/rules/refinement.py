"""The refinement gate: which parts a technical lead signs, and which are missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PARTS: dict[str, str] = {
    "feasibility": "feasibility",
    "points": "estimate",
    "constraints": "architectural constraints",
    "acceptance": "acceptance criteria",
    "tier": "risk tier",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a refinement."""

    name: str
    title: str
    given: bool


def parts(values: Mapping[str, Any]) -> list[Part]:
    """Each part with whether it is there; blanks are none."""
    return [Part(name, title, _given(values.get(name))) for name, title in PARTS.items()]


def missing(values: Mapping[str, Any], *, signed: bool) -> list[str]:
    """What stands between a feature and a plan, in words; the signature comes last."""
    found = [part.title for part in parts(values) if not part.given]
    return found if signed else [*found, "signature of a technical lead"]


def _given(value: Any) -> bool:
    return bool(value.strip()) if isinstance(value, str) else bool(value)
