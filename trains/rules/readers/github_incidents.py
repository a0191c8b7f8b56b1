"""Reading incidents of a status page in JSON Lines, as collected from GitHub's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from trains.rules.readers.documents import Entry, EntryError, read_lines
from trains.rules.readers.row_error import OnError, RowError
from trains.rules.readers.sources import Source, source_name

IMPACTS = ("none", "maintenance", "minor", "major", "critical")


@dataclass(frozen=True, slots=True)
class IncidentUpdate:
    at: datetime
    status: str


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """One incident. `duration_minutes` is the publisher's figure, at times corrected without moving
    the times. Which of the two to use is the caller's decision, so both are kept."""

    id: str
    title: str
    impact: str
    components: tuple[str, ...]
    started_at: datetime
    resolved_at: datetime | None
    duration_minutes: int | None
    updates: tuple[IncidentUpdate, ...]

    @property
    def measured_minutes(self) -> int | None:
        """From start to resolution by the times, rounded."""
        if self.resolved_at is None:
            return None
        return round((self.resolved_at - self.started_at).total_seconds() / 60)

    @property
    def is_maintenance(self) -> bool:
        """Announced work, no incident."""
        return self.impact == "maintenance"


FIELDS: tuple[tuple[str, str], ...] = (
    ("id", "needed, unique in the file"),
    ("title", "needed"),
    ("impact", f"one of {', '.join(IMPACTS)}"),
    ("components", "list of names, may be null"),
    ("started_at", "RFC 3339 with offset"),
    ("resolved_at", "RFC 3339 with offset, null while it lasts"),
    ("duration_minutes", "whole number, may be null"),
    ("updates", "list of {at, status}"),
)


def _incident(entry: Entry) -> IncidentRow:
    impact = entry.name("impact")
    if impact not in IMPACTS:
        raise EntryError("/impact", f"{impact!r} is not one of {', '.join(IMPACTS)}.")
    row = IncidentRow(
        id=entry.name("id"),
        title=entry.name("title"),
        impact=impact,
        components=entry.names("components"),
        started_at=entry.instant("started_at"),
        resolved_at=entry.instant_or_none("resolved_at"),
        duration_minutes=entry.whole("duration_minutes"),
        updates=tuple(IncidentUpdate(u.instant("at"), u.name("status")) for u in entry.entries("updates")),
    )
    if row.resolved_at is not None and row.resolved_at < row.started_at:
        raise EntryError("/resolved_at", "The incident ends before it starts.")
    return row


def read_incidents(source: Source, on_error: OnError) -> Iterator[IncidentRow]:
    """The incidents, one by one; an id seen before is refused."""
    file = source_name(source)
    seen: set[str] = set()
    for line, entry in read_lines(source, on_error):
        try:
            row = _incident(entry)
        except EntryError as refused:
            on_error(RowError(file, line, refused.pointer, str(refused)))
            continue
        if row.id in seen:
            on_error(RowError(file, line, "/id", f"The id {row.id} stands in this file already."))
            continue
        seen.add(row.id)
        yield row
