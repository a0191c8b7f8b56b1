"""When a person's mail goes: at once, in a digest, after quiet hours. Clocks of the person's own zone, also over a change of clocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

AT_ONCE, DAILY, WEEKLY, NEVER = "at_once", "daily", "weekly", "never"


@dataclass(frozen=True)
class Wishes:
    """How one person wants to be mailed. Equal ends of quiet hours mean none; a weekday counts from Monday, 0."""

    mail: str = AT_ONCE
    digest_at: time = time(8)
    digest_weekday: int = 0
    quiet_from: time | None = None
    quiet_until: time | None = None
    quiet_weekends: bool = False
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))


def goes_at(told_at: datetime, wishes: Wishes, *, urgent: bool = False) -> datetime | None:
    """The moment from which mail about something told then may go; None when it never does.

    What is urgent goes at once, unless the person wants no mail at all.
    """
    if wishes.mail == NEVER:
        return None
    if urgent:
        return told_at
    if wishes.mail in (DAILY, WEEKLY):
        return next_digest(told_at, wishes)
    return quiet_end(told_at, wishes) or told_at


def is_quiet(moment: datetime, wishes: Wishes) -> bool:
    """Whether the person is not to be disturbed then."""
    local = moment.astimezone(wishes.zone)
    if wishes.quiet_weekends and local.weekday() >= 5:
        return True
    start, end, at = wishes.quiet_from, wishes.quiet_until, local.time()
    if start is None or end is None or start == end:
        return False
    return start <= at < end if start < end else at >= start or at < end


def quiet_end(moment: datetime, wishes: Wishes) -> datetime | None:
    """When the quiet in which this moment lies is over; None when it is not quiet then."""
    if not is_quiet(moment, wishes):
        return None
    day = moment.astimezone(wishes.zone).date()
    for ahead in range(10):
        edges = [_at(day + timedelta(days=ahead), time(0), wishes.zone)]
        if wishes.quiet_until is not None:
            edges.append(_at(day + timedelta(days=ahead), wishes.quiet_until, wishes.zone))
        for edge in sorted(edges):
            if edge > moment and not is_quiet(edge, wishes):
                return edge
    return None


def next_digest(moment: datetime, wishes: Wishes) -> datetime:
    """The next digest after a moment: every day, or on the chosen day of the week, at the chosen time."""
    day = moment.astimezone(wishes.zone).date()
    for ahead in range(9):
        each = day + timedelta(days=ahead)
        if wishes.mail == WEEKLY and each.weekday() != wishes.digest_weekday:
            continue
        due = _at(each, wishes.digest_at, wishes.zone)
        if due > moment:
            return due
    raise AssertionError("a week has every weekday")


def _at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """That time of that day; where the clocks leap over it, the moment they leap to."""
    return datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)
