"""State machines as data: a table of verbs, where each may start and where it leads."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .refusals import Ref, Refusal


@dataclass(frozen=True)
class Transition:
    """`verb` leads from any of `sources` to `target`; target None leaves the choice to the action's body."""

    verb: str
    sources: tuple[str, ...]
    target: str | None

    def __init__(self, verb: str, sources: Iterable[str] | str, target: str | None):
        object.__setattr__(self, "verb", verb)
        object.__setattr__(self, "sources", (sources,) if isinstance(sources, str) else tuple(sources))
        object.__setattr__(self, "target", target)


@dataclass(frozen=True)
class StateMachine:
    """All transitions of one kind of object over one field."""

    transitions: tuple[Transition, ...] | list[Transition]
    field: str = "state"
    initial: str = ""
    labels: dict[str, str] = dataclasses.field(default_factory=dict)

    def transition(self, verb: str, state: str) -> Transition | None:
        """The row of the table for this verb from this state, or None when it is illegal."""
        return next((t for t in self.transitions if t.verb == verb and state in t.sources), None)

    def refusal(self, verb: str, subject: Any) -> Refusal | None:
        """Why the verb is illegal in the subject's present state, or None when it is legal."""
        state = getattr(subject, self.field)
        if self.transition(verb, state):
            return None
        sources = sorted({s for t in self.transitions if t.verb == verb for s in t.sources})
        allowed = ", ".join(s.replace("_", " ") for s in sources) or "no state"
        return Refusal(
            code="state.illegal",
            sentence=f"{subject} is {state.replace('_', ' ')}.",
            remedy=f"This is possible only while it is {allowed}.",
            blocked_by=Ref.of(subject),
            status=409,
        )
