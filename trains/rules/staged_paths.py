"""Steps of a staged path as people write them, one a line. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

EXAMPLE = "10 % for 30 min"
MOST_STEPS = 20
LONGEST_BAKE = 30 * 24 * 60
NOTHING = "nothing judged"

_STEP = re.compile(
    r"(?P<weight>\d{1,3})\s*%(?:\s+for\s+(?P<bake>\d{1,6})\s*min(?:utes)?)?(?:\s*:\s*(?P<configs>.+))?", re.I
)


class StepError(ValueError):
    """A line that says no step; the sentence names it."""


@dataclass(frozen=True)
class Step:
    """So much traffic for so long, judged by the path's configuration, or by those whose keys are named here."""

    weight: int
    bake_minutes: int = 0
    configs: tuple[str, ...] = ()
    judged: bool = True

    def __str__(self) -> str:
        bake = f" for {self.bake_minutes} min" if self.bake_minutes else ""
        only = f": {', '.join(self.configs)}" if self.configs else "" if self.judged else f": {NOTHING}"
        return f"{self.weight} %{bake}{only}"

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "configs": list(self.configs)}


def read_steps(text: str, known: Iterable[str]) -> list[Step]:
    """Steps from lines; the weights grow, the last one takes all traffic, and at least one is judged."""
    steps = [_step(line.strip()) for line in text.splitlines() if line.strip()]
    if not steps:
        raise StepError(f"Write at least one step, like: {EXAMPLE}.")
    if len(steps) > MOST_STEPS:
        raise StepError(f"At most {MOST_STEPS} steps.")
    for before, after in itertools.pairwise(steps):
        if after.weight <= before.weight:
            raise StepError(
                f"{after.weight} % after {before.weight} %: each step takes more traffic than the one before."
            )
    if steps[-1].weight != 100:
        raise StepError(f"The last step takes {steps[-1].weight} %: a path ends with 100 %.")
    if not any(step.judged for step in steps):
        raise StepError("At least one step is judged.")
    names = set(known)
    for step in steps:
        stranger = next((name for name in step.configs if name not in names), None)
        if stranger:
            raise StepError(
                f"The step {step.weight} % names {stranger}, which is no canary configuration in use."
            )
    return steps


def _step(line: str) -> Step:
    found = _STEP.fullmatch(line)
    if not found or not 1 <= int(found["weight"]) <= 100:
        raise StepError(f"{line[:80]!r} is no step. Write it like: {EXAMPLE}.")
    bake = int(found["bake"] or 0)
    if bake > LONGEST_BAKE:
        raise StepError(f"{line[:80]!r}: a step bakes for at most {LONGEST_BAKE} minutes.")
    said = (found["configs"] or "").strip()
    if said.casefold() == NOTHING:
        return Step(int(found["weight"]), bake, judged=False)
    names = tuple(dict.fromkeys(n.strip().upper()[:40] for n in said.split(",") if n.strip()))
    if names and not bake:
        raise StepError(f"{line[:80]!r}: a step is judged over its bake time; say for how many minutes.")
    return Step(int(found["weight"]), bake, names, judged=bake > 0)


def stored(rows: Iterable[Mapping[str, Any]]) -> list[Step]:
    """Steps as they are kept in rows."""
    return [Step(r["weight"], r["bake_minutes"], tuple(r["configs"]), r["judged"]) for r in rows]
