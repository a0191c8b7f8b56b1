"""In which order the steps of a data migration may run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """A step as its order needs it."""

    position: int
    title: str
    kind: str
    state: str
    point_of_no_return: bool = False

    def __str__(self) -> str:
        return f"{self.position}. {self.title}"


def hindrance(steps: Sequence[Step], position: int) -> str:
    """Why the step at this position may not start yet, in a sentence; empty when it may."""
    before = [s for s in steps if s.position < position]
    step = next(s for s in steps if s.position == position)
    unfinished = [s for s in before if s.state != "done"]
    if unfinished:
        return f"{unfinished[0]} comes first and is {unfinished[0].state}."
    if step.point_of_no_return and not any(s.kind == "verify" for s in before):
        return f"{step} is the point of no return, and nothing was verified before it."
    return ""
