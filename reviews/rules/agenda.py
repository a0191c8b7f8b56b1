"""The agenda of a review with its running clock. The second phase opens only when the facts are accepted. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

PENDING, CURRENT, DONE = "pending", "current", "done"
Box = dict[str, Any]


def laid_out(boxes: Iterable[Mapping[str, Any]]) -> list[Box]:
    """The time boxes as a meeting begins."""
    return [
        {"title": b["title"], "phase": b["phase"], "minutes": b["minutes"], "used": 0, "state": PENDING}
        for b in boxes
    ]


def current(agenda: Sequence[Box]) -> int | None:
    return next((n for n, box in enumerate(agenda) if box["state"] == CURRENT), None)


def upcoming(agenda: Sequence[Box]) -> int | None:
    return next((n for n, box in enumerate(agenda) if box["state"] == PENDING), None)


def may_begin(box: Mapping[str, Any], facts_accepted: bool) -> bool:
    """Facts first: what is about causes or actions waits for them."""
    return facts_accepted or box["phase"] == "facts"


def used(box: Mapping[str, Any], since: datetime | None, at: datetime) -> int:
    """The seconds a box has run, with those since its clock runs again."""
    running = int((at - since).total_seconds()) if since and box["state"] == CURRENT else 0
    return int(box["used"]) + max(0, running)


def paused(agenda: Sequence[Box], since: datetime | None, at: datetime) -> list[Box]:
    """The agenda with what the clock has counted written down."""
    return [{**box, "used": used(box, since, at)} for box in agenda]


def moved_on(agenda: Sequence[Box], since: datetime | None, at: datetime, to: int | None) -> list[Box]:
    """The current box is done, and the one given is current."""
    found = paused(agenda, since, at)
    for number, box in enumerate(found):
        if box["state"] == CURRENT:
            box["state"] = DONE
        if number == to:
            box["state"] = CURRENT
    return found


def runs_out(box: Mapping[str, Any], since: datetime) -> datetime:
    """When a running box is used up."""
    return since + timedelta(seconds=int(box["minutes"]) * 60 - int(box["used"]))
