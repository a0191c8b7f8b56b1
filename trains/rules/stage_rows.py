"""Reading stage events from CSV into typed rows with row-level errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from trains.rules.readers import cells
from trains.rules.readers.cells import CellError
from trains.rules.readers.row_error import OnError
from trains.rules.readers.tables import Column, Table


@dataclass(frozen=True, slots=True)
class StageEventRow:
    """One event of a run in a stage, by the stage's name."""

    stage: str
    run: str
    kind: str
    at: datetime


def _short(value: str) -> Any:
    if len(value) > 120:
        raise CellError("This is longer than 120 characters.")
    return cells.name(value)


TABLE = Table(
    StageEventRow,
    (
        Column("stage", _short, "The stage by its name."),
        Column("run", _short, "What passes through."),
        Column("event", cells.one_of("entered", "started", "finished")),
        Column("at", cells.instant),
    ),
)


def read_stage_events(source: BinaryIO, name: str, on_error: OnError) -> Iterator[StageEventRow]:
    """The usable rows of the file, one by one."""
    return TABLE.read(source, on_error, name=name)
