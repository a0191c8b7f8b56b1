"""When a record may go: the longest of all policies wins, a clock that has not begun keeps it, a hold beats everything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

Ids = frozenset[Any]
EVERYTHING: Ids | None = None


@dataclass(frozen=True)
class Rule:
    """One policy: days from an event. `regulated_only` binds records of regulated services only.

    One of a framework or jurisdiction binds the records that fall under it, and those of which it is not known.
    """

    name: str
    clock: str
    days: int
    regulated_only: bool = False
    framework: str = ""
    jurisdiction: str = ""


@dataclass(frozen=True)
class Record:
    """What is known of a record. None instead of a set of ids: it may concern any of them.

    A record still `needed` (a document in force, a statement that gates read) stays, whatever its age.
    """

    type: str
    received: datetime
    events: Mapping[str, datetime | None] = field(default_factory=dict)
    regulated: bool = True
    needed: bool = False
    trains: Ids | None = EVERYTHING
    services: Ids | None = EVERYTHING
    releases: Ids | None = EVERYTHING
    frameworks: Ids | None = EVERYTHING
    jurisdictions: Ids | None = EVERYTHING


@dataclass(frozen=True)
class Hold:
    """What a legal hold covers; what is not bounded covers everything."""

    name: str
    type: str = ""
    train: Any = None
    service: Any = None
    release: Any = None
    starts: date | None = None
    ends: date | None = None


def due(record: Record, rules: Iterable[Rule]) -> tuple[datetime, str] | None:
    """When the record may go and by which policy; None while no policy says so or a clock has not begun."""
    if record.needed:
        return None
    found: list[tuple[datetime, str]] = []
    for rule in rules:
        if not _binds(rule, record):
            continue
        begun = record.received if rule.clock == "received" else record.events.get(rule.clock)
        if begun is None:
            return None
        found.append((max(begun, record.received) + timedelta(days=rule.days), rule.name))
    return max(found) if found else None


def _binds(rule: Rule, record: Record) -> bool:
    if rule.regulated_only and not record.regulated:
        return False
    return all(
        not wanted or under is None or wanted in under
        for wanted, under in (
            (rule.framework, record.frameworks),
            (rule.jurisdiction, record.jurisdictions),
        )
    )


def holds_on(record: Record, holds: Iterable[Hold]) -> list[str]:
    """The names of the holds that cover the record. In doubt a hold covers it."""
    return [hold.name for hold in holds if _covers(hold, record)]


def _covers(hold: Hold, record: Record) -> bool:
    day = record.received.date()
    return (
        hold.type in ("", record.type)
        and all(
            wanted is None or ids is None or wanted in ids
            for wanted, ids in (
                (hold.train, record.trains),
                (hold.service, record.services),
                (hold.release, record.releases),
            )
        )
        and (hold.starts is None or day >= hold.starts)
        and (hold.ends is None or day < hold.ends)
    )
