"""Agendas of planning events: templates of time boxes, laid out on days of a zone; and the arithmetic of the timer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Box:
    """A time box of a template: `kind` is a word of SlotKind."""

    kind: str
    title: str
    minutes: int


# Boxes of each day, one after the other. Days are consecutive working days.
TEMPLATES: dict[str, tuple[str, tuple[tuple[Box, ...], ...]]] = {
    "two_days": (
        "Two days in one place",
        (
            (
                Box("business_context", "Business context", 60),
                Box("vision", "Product vision", 90),
                Box("architecture", "Architecture vision", 45),
                Box("context", "Planning context", 15),
                Box("pause", "Lunch", 60),
                Box("breakout", "Team breakouts 1", 180),
                Box("draft_review", "Draft plan review", 60),
                Box("management_review", "Management review and problem-solving", 60),
            ),
            (
                Box("adjustments", "Planning adjustments", 60),
                Box("breakout", "Team breakouts 2", 120),
                Box("final_review", "Final plan review", 60),
                Box("pause", "Lunch", 60),
                Box("risks", "Train risks (ROAM)", 60),
                Box("confidence", "Confidence vote", 15),
                Box("rework", "Plan rework, if needed", 45),
                Box("retrospective", "Planning retrospective and moving forward", 30),
            ),
        ),
    ),
    "four_half_days": (
        "Four half days across zones",
        (
            (
                Box("business_context", "Business context", 45),
                Box("vision", "Product vision", 60),
                Box("pause", "Break", 15),
                Box("architecture", "Architecture vision", 45),
                Box("context", "Planning context", 15),
            ),
            (
                Box("breakout", "Team breakouts 1", 150),
                Box("pause", "Break", 15),
                Box("draft_review", "Draft plan review", 60),
                Box("management_review", "Management review and problem-solving", 45),
            ),
            (
                Box("adjustments", "Planning adjustments", 30),
                Box("breakout", "Team breakouts 2", 150),
                Box("pause", "Break", 15),
                Box("final_review", "Final plan review", 60),
            ),
            (
                Box("risks", "Train risks (ROAM)", 60),
                Box("confidence", "Confidence vote", 15),
                Box("rework", "Plan rework, if needed", 60),
                Box("retrospective", "Planning retrospective and moving forward", 30),
            ),
        ),
    ),
}


def working_day(day: date, steps: int) -> date:
    """The day so many working days later; a start on a weekend moves to Monday."""
    while day.weekday() > 4:
        day += timedelta(days=1)
    while steps:
        day += timedelta(days=1)
        steps -= day.weekday() < 5
    return day


def laid_out(
    days: Iterable[Iterable[Box]], first: date, begins: time, zone: ZoneInfo
) -> list[tuple[Box, datetime]]:
    """Each box with its start in UTC. The wall clock of the zone counts: after a change of clocks a day still begins
    when its people expect it."""
    found = []
    for number, boxes in enumerate(days):
        moment = datetime.combine(working_day(first, number), begins, zone).astimezone(UTC)
        for box in boxes:
            found.append((box, moment))
            moment += timedelta(minutes=box.minutes)
    return found


def seconds_used(used: int, ticking_since: datetime | None, moment: datetime) -> int:
    """The seconds a slot has run: what it ran before the timer last stopped, and since it runs again."""
    return used + max(0, int((moment - ticking_since).total_seconds())) if ticking_since else used


def runs_out_at(box: int, used: int, ticking_since: datetime) -> datetime:
    """When the box of a running slot is used up; past that it is late."""
    return ticking_since + timedelta(seconds=box - used)
