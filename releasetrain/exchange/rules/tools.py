"""What is healthy, what is standard, and how much of it over time. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

HEALTHY, FAILING, SILENT, OFF, UNCONNECTED = "healthy", "failing", "silent", "off", "unconnected"
WORDS = {
    HEALTHY: "Healthy",
    FAILING: "Failing",
    SILENT: "Silent",
    OFF: "Switched off",
    UNCONNECTED: "Not connected",
}
TONES = {HEALTHY: "ok", FAILING: "bad", SILENT: "warn", OFF: "idle", UNCONNECTED: "warn"}
# The best comes first: a cell of the matrix is as good as its best connector.
ORDER = (HEALTHY, FAILING, SILENT, OFF, UNCONNECTED)

# After how many days without a sign a connector of the category counts as silent.
QUIET_DAYS: Mapping[str, int] = {
    "source": 7,
    "ci": 7,
    "artifact": 14,
    "deployment": 14,
    "monitoring": 1,
    "issues": 7,
    "chat": 30,
    "incident": 90,
    "scanner": 14,
    "secrets": 90,
}

ADOPTED, HELD, EXCEPTED, EXPIRED, OFF_STANDARD, NO_STANDARD = (
    "adopt", "hold", "excepted", "expired", "off_standard", "no_standard"
)  # fmt: skip
STANDING_WORDS = {
    ADOPTED: "Standard",
    HELD: "On hold",
    EXCEPTED: "Exception",
    EXPIRED: "Exception expired",
    OFF_STANDARD: "Off standard",
    NO_STANDARD: "No standard yet",
}
STANDING_TONES = {
    ADOPTED: "ok",
    HELD: "idle",
    EXCEPTED: "warn",
    EXPIRED: "bad",
    OFF_STANDARD: "bad",
    NO_STANDARD: "idle",
}


@dataclass(frozen=True)
class Sign:
    """What is known of a connector: its last sign of life, what went wrong, and whether it was switched off."""

    label: str
    last_at: datetime | None = None
    errors: int = 0
    error: str = ""
    off: bool = False


@dataclass(frozen=True)
class Health:
    state: str
    sentence: str

    @property
    def word(self) -> str:
        return WORDS[self.state]

    @property
    def tone(self) -> str:
        return TONES[self.state]


def health(sign: Sign | None, category: str, at: datetime) -> Health:
    """How a connector is. One that is unknown or that never gave a sign is never called healthy."""
    if sign is None:
        return Health(UNCONNECTED, "Nothing is read from it.")
    if sign.off:
        return Health(OFF, f"{sign.label} was switched off.")
    if sign.error or sign.errors:
        return Health(FAILING, sign.error or f"{sign.errors} failed at {sign.label}.")
    if sign.last_at is None:
        return Health(SILENT, f"Nothing came from {sign.label} yet.")
    days = QUIET_DAYS[category]
    if at - sign.last_at > timedelta(days=days):
        passed = (at - sign.last_at).days
        return Health(SILENT, f"The last sign of {sign.label} is {passed} days old; {days} are usual here.")
    return Health(HEALTHY, f"{sign.label} is at work.")


@dataclass(frozen=True)
class Word:
    """What was said of a tool from a day on."""

    category: str
    tool: str
    stance: str
    since: date


@dataclass(frozen=True)
class Use:
    """A tool that somebody uses from one day until another."""

    category: str
    tool: str
    since: date
    ended_on: date | None = None
    exception_until: date | None = None


def stance_on(words: Iterable[Word], category: str, tool: str, day: date) -> str:
    """What the organization said of the tool on that day; empty where it had said nothing."""
    said = [
        word
        for word in words
        if word.category == category and word.tool.lower() == tool.lower() and word.since <= day
    ]
    return max(said, key=lambda word: word.since).stance if said else ""


def standing(use: Use, words: Sequence[Word], day: date) -> str:
    """How the use stands to what was said by that day."""
    stance = stance_on(words, use.category, use.tool, day)
    if stance in (ADOPTED, HELD):
        return stance
    if use.exception_until is not None:
        return EXCEPTED if day <= use.exception_until else EXPIRED
    if not any(word.category == use.category and word.since <= day for word in words):
        return NO_STANDARD
    return OFF_STANDARD


def in_use(use: Use, day: date) -> bool:
    return use.since <= day and (use.ended_on is None or day < use.ended_on)


def share(uses: Iterable[Use], words: Sequence[Word], day: date) -> tuple[int, int]:
    """How many uses of the day follow a standard that is to be adopted, of how many."""
    there = [use for use in uses if in_use(use, day)]
    return sum(stance_on(words, use.category, use.tool, day) == ADOPTED for use in there), len(there)


def month_starts(until: date, count: int) -> list[date]:
    """The first days of the last months, and the day itself."""
    days = [until]
    first = until.replace(day=1)
    while len(days) < count:
        if first not in days:
            days.append(first)
        first = (first - timedelta(days=1)).replace(day=1)
    return days[::-1]
