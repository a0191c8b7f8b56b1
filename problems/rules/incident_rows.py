"""Reading incidents from CSV into typed rows, each fault with its line and column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from trains.rules.readers import cells
from trains.rules.readers.cells import CellError
from trains.rules.readers.row_error import OnError
from trains.rules.readers.tables import Column, Table

SEVERITY_WORDS = {
    "1": 1,
    "2": 2,
    "3": 3,
    "4": 4,
    "critical": 1,
    "high": 2,
    "major": 2,
    "moderate": 3,
    "medium": 3,
    "minor": 3,
    "low": 4,
    "": 3,
}


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """One incident as a file has it."""

    id: str
    title: str
    services: tuple[str, ...]
    detected_at: datetime
    severity: int = 3
    started_at: datetime | None = None
    acknowledged_at: datetime | None = None
    mitigated_at: datetime | None = None
    resolved_at: datetime | None = None
    category: str = ""
    fingerprint: str = ""
    impact: str = ""
    url: str = ""
    caused_by: tuple[str, ...] = ()


def _severity(value: str) -> int:
    """1 to 4, or a word such as critical."""
    found = SEVERITY_WORDS.get(value.strip().lower())
    if found is None:
        raise CellError(
            f"{cells.shown(value)} is no severity; it is 1 to 4, or critical, high, moderate or low."
        )
    return found


def _names(value: str) -> tuple[str, ...]:
    found = tuple(part.strip() for part in value.split(";") if part.strip())
    if not found:
        raise CellError("An incident touches at least one service; part several by semicolons.")
    return found


def _most(limit: int) -> cells.Cell:
    """Text of at most so many characters; may be empty."""

    def read(value: str) -> str:
        if len(value) > limit:
            raise CellError(f"This is longer than {limit} characters.")
        return value.strip()

    read.__doc__ = f"Text of at most {limit} characters; may be empty."
    return read


def _needed(limit: int) -> cells.Cell:
    """Text of at most so many characters that may not be blank."""

    def read(value: str) -> str:
        return str(_most(limit)(cells.name(value)))

    read.__doc__ = f"Text of at most {limit} characters."
    return read


_MAYBE = cells.optional(cells.instant)

TABLE = Table(
    IncidentLine,
    (
        Column("id", _needed(200), "Its id in the reporting system; the same id is the same incident."),
        Column("title", _needed(200), "What people call it, up to 200 characters."),
        Column("services", _names, "Names of services, parted by semicolons."),
        Column("detected_at", cells.instant, "RFC 3339 with offset, e.g. 2026-03-01T21:40:00Z."),
        Column(
            "severity", _severity, "1 to 4, or critical, high, moderate, low; empty is 3.", required=False
        ),
        Column("started_at", _MAYBE, "When it began, if that is known.", required=False),
        Column("acknowledged_at", _MAYBE, "When somebody took it on.", required=False),
        Column("mitigated_at", _MAYBE, "When users no longer suffered.", required=False),
        Column("resolved_at", _MAYBE, "When it was over.", required=False),
        Column("category", _most(24), "One of the shared categories, e.g. code_defect.", required=False),
        Column("fingerprint", _most(120), "What incidents of the kind share.", required=False),
        Column("impact", _most(5_000), "Who could not do what.", required=False),
        Column("url", _most(500), "Where the reporting system shows it.", required=False),
        Column(
            "caused_by",
            cells.several(";"),
            "Ids of deployments in the same system, parted by semicolons.",
            required=False,
        ),
    ),
)


def read_lines(source: BinaryIO, name: str, on_error: OnError) -> Iterator[IncidentLine]:
    """The usable rows of the file, one by one."""
    return TABLE.read(source, on_error, name=name)
