"""What a reader says about a line it could not use: one sentence with its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RowError:
    """A refused row. `line` counts from 1; for JSON documents it is empty and `column` is a JSON pointer."""

    file: str
    line: int | None
    column: str
    sentence: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        return f"{place}, {self.column}: {self.sentence}" if self.column else f"{place}: {self.sentence}"


OnError = Callable[[RowError], None]
