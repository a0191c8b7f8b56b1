"""Streaming a CSV file into typed rows; a bad row becomes an error with its place and reading goes on."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from trains.rules.readers.cells import Cell, CellError
from trains.rules.readers.row_error import OnError, RowError
from trains.rules.readers.sources import UNPACKED_LIMIT, Source, TooLarge, opened, source_name

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Column:
    """One accepted column. Columns are found by name: their order is free and further columns are ignored."""

    name: str
    cell: Cell
    help: str = ""
    required: bool = True


@dataclass(frozen=True, slots=True)
class Table(Generic[Row]):
    """An accepted CSV format: the row type, its columns in the order of its fields, a rule across cells."""

    row: Callable[..., Row]
    columns: tuple[Column, ...]
    check: Callable[[Row], tuple[str, str] | None] | None = field(default=None)

    def read(
        self, source: Source, on_error: OnError, *, name: str | None = None, limit: int = UNPACKED_LIMIT
    ) -> Iterator[Row]:
        """The usable rows, one by one; everything else goes to `on_error`."""
        file = source_name(source, name)
        lines = _Lines()
        try:
            with opened(source, limit) as stream:
                lines.attach(stream)
                try:
                    for item in self._rows(lines, file):
                        if isinstance(item, RowError):
                            on_error(item)
                        else:
                            yield item
                finally:
                    lines.detach()
        except TooLarge:
            on_error(RowError(file, None, "", f"The file unpacks to more than {limit // (1024 * 1024)} MiB."))
        except (zlib.error, EOFError, OSError) as broken:
            on_error(RowError(file, lines.number or None, "", f"The file breaks off: {_plain(broken)}."))

    def _rows(self, lines: _Lines, file: str) -> Iterator[Any]:
        reader = csv.reader(lines, strict=True)
        positions = self._positions(reader, lines, file)
        if isinstance(positions, list):
            for error in positions:
                yield error
            return
        width, plan = positions
        row, check = self.row, self.check
        last = lines.number
        while True:
            first = last + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as broken:
                last = lines.number
                yield RowError(file, first, "", f"This line is not well-formed CSV: {_plain(broken)}.")
                continue
            last = lines.number
            if not cells:
                continue
            if lines.spoilt:
                spoilt, lines.spoilt = lines.spoilt, ""
                yield RowError(file, first, "", spoilt)
                continue
            if len(cells) != width:
                yield RowError(file, first, "", f"{width} cells expected, {len(cells)} found.")
                continue
            try:
                item = row(*[cell(cells[at]) if at >= 0 else cell("") for at, cell in plan])
            except CellError:
                for error in self._cell_errors(cells, plan, file, first):
                    yield error
                continue
            if check is not None and (refused := check(item)):
                yield RowError(file, first, *refused)
                continue
            yield item

    def _positions(
        self, reader: Any, lines: _Lines, file: str
    ) -> tuple[int, list[tuple[int, Cell]]] | list[RowError]:
        try:
            header = next(reader)
        except StopIteration:
            return [RowError(file, None, "", "The file is empty.")]
        except csv.Error as broken:
            return [RowError(file, 1, "", f"The header is not well-formed CSV: {_plain(broken)}.")]
        if lines.spoilt:
            return [RowError(file, 1, "", lines.spoilt)]
        header = [title.strip() for title in header]
        errors = [
            RowError(file, 1, column.name, "The header has no such column.")
            for column in self.columns
            if column.required and column.name not in header
        ]
        errors += [
            RowError(file, 1, column.name, "The header names this column more than once.")
            for column in self.columns
            if header.count(column.name) > 1
        ]
        if errors:
            return errors
        places = [header.index(c.name) if c.name in header else -1 for c in self.columns]
        return len(header), [(place, c.cell) for place, c in zip(places, self.columns, strict=True)]

    def _cell_errors(
        self, cells: list[str], plan: list[tuple[int, Cell]], file: str, line: int
    ) -> Iterator[RowError]:
        for column, (at, cell) in zip(self.columns, plan, strict=True):
            try:
                cell(cells[at] if at >= 0 else "")
            except CellError as refused:
                yield RowError(file, line, column.name, str(refused))


class _Lines:
    """Lines for the CSV reader, counted; a line that is not UTF-8 or holds a NUL marks its row as spoilt."""

    def __init__(self) -> None:
        self._stream: io.TextIOWrapper[Any] = io.TextIOWrapper(io.BytesIO())
        self.number = 0
        self.spoilt = ""

    def attach(self, stream: io.BufferedReader[Any]) -> None:
        """Read from here. A byte that is no UTF-8 is kept as a surrogate, so that its line can be named."""
        self._stream = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._stream)
        self.number += 1
        if not line.isascii():
            try:
                line.encode("utf-8")
            except UnicodeEncodeError:
                self.spoilt = "This line is not UTF-8 text."
                return line.encode("utf-8", "replace").decode("utf-8")
        if "\0" in line:
            self.spoilt = "This line holds a NUL character."
        return line

    def detach(self) -> None:
        """Leave the stream to its owner: a text wrapper closes what it wraps when it is collected."""
        self._stream.detach()


def _plain(error: BaseException) -> str:
    return (str(error) or type(error).__name__).rstrip(".")
