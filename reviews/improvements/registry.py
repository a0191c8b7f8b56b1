"""The kinds of proposals. Each turns what is asked for and the thing as it stands now into one act of its owning app."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from releasetrain.audit.doorway import Action
from releasetrain.interface.resources import by_kind
from releasetrain.kernel.refusals import refuse
from reviews.models import ImprovementKind


@dataclass(frozen=True)
class Plan:
    """The act that makes a proposal true, and what it changes in words.

    lines   one mapping a thing that changes: what, before, after
    """

    action: Action
    subject: Any
    params: dict[str, Any]
    lines: list[dict[str, str]]

    @property
    def permission(self) -> str:
        return self.action.requires

    @property
    def scope(self) -> Any:
        """On what the right to perform it counts."""
        return self.params.get(self.action.within) if self.action.within else self.subject


# (the thing, what is asked for, where it comes from) -> plan; refuses what cannot be done or is so already.
Planner = Callable[[Any, dict[str, Any], str], Plan]
_planners: dict[str, Planner] = {}


def improves(kind: ImprovementKind) -> Callable[[Planner], Planner]:
    """Declare how proposals of a kind are carried out."""

    def register(planner: Planner) -> Planner:
        if kind in _planners:
            raise ValueError(f"{kind} is declared twice")
        _planners[kind] = planner
        return planner

    return register


def plan(kind: str, target: Any, change: dict[str, Any], source: str) -> Plan:
    """What applying it would do to the thing as it stands now."""
    return _planners[kind](target, change, source)


def line(what: str, before: Any, after: Any) -> dict[str, str]:
    """One thing that changes, in words."""
    return {"what": what[:200], "before": _said(before), "after": _said(after)}


def _said(value: Any) -> str:
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)[:2_000]


def unchanged(target: Any) -> None:
    """Refuse what is so already."""
    refuse(
        "improvement.unchanged",
        f"{target} is like that already.",
        remedy="Close the proposal, or ask for something else.",
    )


def target_of(kind: str, pk: Any) -> Any | None:
    """The record that a proposal names."""
    resource = by_kind(kind)
    return resource.model._default_manager.filter(pk=pk).first() if resource else None
