"""Notice that contracts demand before a release may change what they promise."""

from __future__ import annotations

from datetime import date, timedelta


def earliest_release(told_on: date | None, today: date, notice_days: int) -> date:
    """The first day a release may go out: notice runs from the day the customer was told, at best from today."""
    return (told_on or today) + timedelta(days=notice_days)
