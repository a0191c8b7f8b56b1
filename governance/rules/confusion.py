"""How good a gate is: what it stopped and let through, against what became of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

CAUGHT, MISSED, FALSE_ALARM, RIGHT, REFUSED = "caught", "missed", "false_alarm", "right", "refused"
CLASSES = (CAUGHT, MISSED, FALSE_ALARM, RIGHT, REFUSED)
_LETS_THROUGH = ("pass", "waived")


def judged(checks: Iterable[str | None]) -> str:
    """The verdict over checks: one that stops is enough; without one, an unknown check leaves the whole unknown."""
    seen = list(checks)
    for worst in ("fail", "error", "pending"):
        if worst in seen:
            return worst
    if not seen or any(v not in _LETS_THROUGH for v in seen):
        return REFUSED
    return "pass"


def stops(verdict: str | None) -> bool:
    return verdict in ("fail", "error", "pending")


def classed(verdict: str | None, bad: bool) -> str:
    """Caught: stopped what turned out badly. Missed: let it through. False alarm: stopped what went well."""
    if verdict is None or verdict == REFUSED:
        return REFUSED
    if stops(verdict):
        return CAUGHT if bad else FALSE_ALARM
    return MISSED if bad else RIGHT


def counted(rows: Iterable[tuple[str | None, bool]]) -> dict[str, int]:
    """How often each class occurs."""
    found = dict.fromkeys(CLASSES, 0)
    for verdict, bad in rows:
        found[classed(verdict, bad)] += 1
    return found


def flip(before: str | None, after: str | None) -> str:
    """How a verdict turns: stopped, let_through or nothing; an unknown one turns nowhere."""
    if before in (None, REFUSED) or after in (None, REFUSED) or stops(before) == stops(after):
        return ""
    return "stopped" if stops(after) else "let_through"


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The counts of a replay, from its rows."""
    delays = [r["delay_hours"] for r in rows if r["class"] == FALSE_ALARM]
    known = [d for d in delays if d is not None]
    return {
        "releases": len(rows),
        "flips": {
            "stopped": sum(r["flip"] == "stopped" for r in rows),
            "let_through": sum(r["flip"] == "let_through" for r in rows),
        },
        "candidate": counted((r["after"], r["bad"]) for r in rows),
        "before": counted((r["before"], r["bad"]) for r in rows),
        "binding": counted((r["binding"], r["bad"]) for r in rows),
        "delay_hours": round(sum(known), 2),
        "delay_unknown": len(delays) - len(known),
    }
