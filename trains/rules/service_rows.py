"""Reading services and deliverables from CSV or JSON into typed rows with row-level errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from trains.rules.names import name_fault
from trains.rules.readers import cells
from trains.rules.readers.cells import CellError
from trains.rules.readers.documents import Entry, EntryError, pointer, read_document
from trains.rules.readers.row_error import OnError, RowError
from trains.rules.readers.tables import Column, Table


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """One service; an empty train, team or tier leaves what is known."""

    name: str
    train: str
    team: str
    tier: int | None
    regulated: bool | None
    repository: str
    description: str


def _name(value: str) -> str:
    """Text that can stand in an address: no slash, question mark or number sign."""
    fault = name_fault(value)
    if fault:
        raise CellError(fault)
    return value


def _tier(value: str) -> int:
    """1, 2, 3 or 4."""
    if value not in ("1", "2", "3", "4"):
        raise CellError(f"{cells.shown(value)} is not a tier; tiers are 1 to 4.")
    return int(value)


def _short(length: int, cell: cells.Cell = cells.text) -> cells.Cell:
    def read(value: str) -> Any:
        if len(value) > length:
            raise CellError(f"This is longer than {length} characters.")
        return cell(value.strip())

    return read


TABLE = Table(
    ServiceRow,
    (
        Column("name", _short(120, _name), "As pipelines write it."),
        Column("train", _short(40), "Code of the train.", required=False),
        Column("team", _short(20), "Code of the team.", required=False),
        Column("tier", cells.optional(_tier), "1 is mission critical; new services get 3.", required=False),
        Column("regulated", cells.optional(cells.flag), required=False),
        Column("repository", _short(300), required=False),
        Column("description", _short(10_000), required=False),
    ),
)


def read_services(source: BinaryIO, name: str, on_error: OnError) -> Iterator[tuple[str, ServiceRow]]:
    """The rows with their places: CSV with a header, or (by the ending .json) a JSON list of objects."""
    if name.lower().endswith((".json", ".json.gz")):
        yield from _from_json(source, name, on_error)
        return
    for number, row in enumerate(TABLE.read(source, on_error, name=name), start=1):
        yield f"service {number}", row


def _from_json(source: BinaryIO, name: str, on_error: OnError) -> Iterator[tuple[str, ServiceRow]]:
    document = read_document(source, on_error, name=name)
    if document is None:
        return
    if not isinstance(document, list):
        on_error(RowError(name, None, "", "A list of services is expected."))
        return
    for index, value in enumerate(document):
        try:
            yield f"service {index + 1}", _entry(Entry(value, pointer(index)), pointer(index))
        except EntryError as fault:
            on_error(RowError(name, None, fault.pointer, str(fault)))


def _entry(entry: Entry, at: str) -> ServiceRow:
    values: list[Any] = []
    for column in TABLE.columns:
        try:
            values.append(column.cell(entry.scalar(column.name)))
        except EntryError:
            raise
        except CellError as fault:
            raise EntryError(f"{at}/{column.name}", str(fault)) from fault
    return ServiceRow(*values)
