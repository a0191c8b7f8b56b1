"""What was missing where deployment handed over to operations. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

# An incident found later than this after it began was not found by monitoring in time.
LATE = timedelta(minutes=15)


@dataclass(frozen=True)
class Handover:
    """A service as operations took it over."""

    service: str
    id: str
    at: datetime
    runbook: bool
    answering: bool
    watched: bool


@dataclass(frozen=True)
class Found:
    """An incident: when it began, as far as is known, and when somebody noticed."""

    id: str
    label: str
    began_at: datetime
    detected_at: datetime


@dataclass(frozen=True)
class Lack:
    """One gap: its kind (as findings name it), the record it is about, the sentence."""

    kind: str
    about: str
    id: str
    at: datetime
    sentence: str


@dataclass(frozen=True)
class Seen:
    services: Sequence[Handover] = field(default_factory=tuple)
    incidents: Sequence[Found] = field(default_factory=tuple)


def lacks(seen: Seen) -> Iterator[Lack]:
    """Every gap between deployment and operations that the records show."""
    for each in seen.services:
        if not each.runbook:
            yield Lack(
                "runbook",
                "service",
                each.id,
                each.at,
                f"{each.service} went live without a runbook in force.",
            )
        if not each.answering:
            yield Lack(
                "on_call",
                "service",
                each.id,
                each.at,
                f"Nobody was on call for {each.service} when it went live.",
            )
        if not each.watched:
            yield Lack(
                "monitoring",
                "service",
                each.id,
                each.at,
                f"No series of {each.service} was measured in the hour after it went live.",
            )
    for incident in seen.incidents:
        delay = incident.detected_at - incident.began_at
        if delay > LATE:
            minutes = round(delay.total_seconds() / 60)
            yield Lack(
                "monitoring",
                "incident",
                incident.id,
                incident.detected_at,
                f"{incident.label} was noticed {minutes} minutes after it began.",
            )
