"""Reading couplings from CSV into typed rows with row-level errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from trains.rules.boundaries import FACTORS
from trains.rules.readers import cells
from trains.rules.readers.cells import CellError
from trains.rules.readers.row_error import OnError
from trains.rules.readers.tables import Column, Table

STRONGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class CouplingRow:
    """One coupling between two services by their names."""

    source: str
    target: str
    kind: str
    strength: int = 1
    note: str = ""


def _strength(value: str) -> int:
    """A whole number from 1."""
    found = cells.whole(value)
    if not 1 <= found <= STRONGEST:
        raise CellError(
            f"{cells.shown(value)} is not a strength; it is a whole number from 1 to {STRONGEST}."
        )
    return int(found)


def _note(value: str) -> str:
    if len(value) > 300:
        raise CellError("This is longer than 300 characters.")
    return value.strip()


def _or_one(value: str) -> Any:
    return _strength(value) if value.strip() else 1


TABLE = Table(
    CouplingRow,
    (
        Column("source", cells.name, "The service that depends."),
        Column("target", cells.name, "The service it depends on."),
        Column("kind", cells.one_of(*FACTORS), "calls, shared_data, co_change or contract."),
        Column("strength", _or_one, "How many; empty is 1.", required=False),
        Column("note", _note, required=False),
    ),
)


def read_couplings(source: BinaryIO, name: str, on_error: OnError) -> Iterator[CouplingRow]:
    """The usable rows of the file, one by one."""
    return TABLE.read(source, on_error, name=name)
