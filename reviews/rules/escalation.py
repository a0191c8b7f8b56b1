"""What becomes of an issue that stays open. Pure."""

from __future__ import annotations

PROBLEM, INCIDENT = "problem", "incident"


def becomes(*, worse: bool, worked_on: bool) -> str:
    """An incident where indicators are worse since and no incident is worked on; else a problem: what lies behind it."""
    return INCIDENT if worse and not worked_on else PROBLEM
