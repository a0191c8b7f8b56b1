"""When an escalation is due: pure arithmetic over the levels of a policy.

Each level has its full time: one that was told late (the worker was away) is not passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta


def raised_at(since: datetime, after: Sequence[timedelta]) -> datetime | None:
    """When something that waits since then reaches the first level; None where the policy has no level."""
    return since + after[0] if after else None


def climbs_at(told_at: datetime, level: int, after: Sequence[timedelta]) -> datetime | None:
    """When the level after this one is told; None at the top. Levels count from 1."""
    return told_at + after[level] if level < len(after) else None
