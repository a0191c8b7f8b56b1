"""By when a finding must be dealt with."""

from __future__ import annotations

from datetime import datetime, timedelta

# Days from the first sight; unknown severity is treated as the worst until somebody has looked.
DAYS = {"critical": 7, "high": 30, "medium": 90, "low": 180, "unknown": 7}


def due_at(severity: str, first_seen_at: datetime) -> datetime | None:
    """The due date of a finding; none for purely informational ones."""
    days = DAYS.get(severity)
    return first_seen_at + timedelta(days=days) if days else None
