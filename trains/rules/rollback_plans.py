"""The steps of a rollback plan: in which order they begin, and how each stands. Pure.

A step is a plain mapping, as it is kept with its plan. Steps of one place run side by side; the next place begins when
every step of the one before is restored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Step = Mapping[str, Any]

WAITING, VALIDATING, RUNNING, VERIFYING, RESTORED, FAILED = (
    "waiting",
    "validating",
    "running",
    "verifying",
    "restored",
    "failed",
)
BEFORE, AFTER = "before", "after"
MOST_STEPS, MOST_QUESTIONS = 60, 20


def new_step(
    service: str,
    name: str,
    position: int,
    *,
    before: Sequence[str],
    after: Sequence[str],
    data: str,
    lossy: bool,
) -> dict[str, Any]:
    """A step that nothing was done of."""
    return {
        "service": service,
        "name": name,
        "position": position,
        "data": data,
        "lossy": lossy,
        BEFORE: [question(q) for q in before],
        AFTER: [question(q) for q in after],
        "state": WAITING,
        "deployment": "",
        "note": "",
    }


def question(text: str) -> dict[str, Any]:
    """A validation that nobody answered."""
    return {"question": text, "ok": None, "by": "", "at": "", "note": ""}


def ordered(steps: Iterable[Step]) -> list[Step]:
    return sorted(steps, key=lambda s: (s["position"], s["name"]))


def current_position(steps: Iterable[Step]) -> int | None:
    """The place that is being worked on: the lowest with a step that is not restored; None when all are."""
    return min((s["position"] for s in steps if s["state"] != RESTORED), default=None)


def may_begin(steps: Sequence[Step]) -> list[Step]:
    """The steps that begin now: those waiting at the current place."""
    place = current_position(steps)
    return [s for s in steps if s["position"] == place and s["state"] == WAITING]


def standing(answers: Iterable[Mapping[str, Any]]) -> bool | None:
    """How validations stand together: one no fails, all yes pass, else open."""
    given = [a["ok"] for a in answers]
    if any(ok is False for ok in given):
        return False
    return None if any(ok is None for ok in given) else True


def all_restored(steps: Sequence[Step]) -> bool:
    return bool(steps) and all(s["state"] == RESTORED for s in steps)


def lossy(steps: Iterable[Step]) -> list[Step]:
    """The steps that lose or orphan data."""
    return [s for s in steps if s["lossy"]]
