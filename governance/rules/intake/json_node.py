"""A JSON value with the place it stands at, so that a refusal can name the element."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from .errors import ReportError
from .values import clean

MAX_ROWS = 200_000


class Node:
    """An object of a report; what is absent or null is empty, what is of another type is refused with its place."""

    __slots__ = ("path", "value")

    def __init__(self, value: Any, path: str = "") -> None:
        if not isinstance(value, dict):
            raise ReportError("wrong_format", f"{path or 'The report'} is no object.")
        self.value: dict[str, Any] = value
        self.path = path

    def place(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def has(self, *keys: str) -> bool:
        return all(self.value.get(key) is not None for key in keys)

    def get(self, key: str) -> Any:
        return self.value.get(key)

    def object(self, key: str) -> Node:
        value = self.value.get(key)
        return Node({} if value is None else value, self.place(key))

    def list(self, key: str) -> list[Any]:
        value = self.value.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise ReportError("wrong_format", f"{self.place(key)} is no list.")
        if len(value) > MAX_ROWS:
            raise ReportError("too_many", f"{self.place(key)} has more than {MAX_ROWS} entries.")
        return value

    def rows(self, key: str) -> Iterator[Node]:
        for at, value in enumerate(self.list(key)):
            yield Node(value, f"{self.place(key)}[{at}]")

    def text(self, key: str, limit: int = 500) -> str:
        """A text, or a number as text; nothing for nothing."""
        value = self.value.get(key)
        if value is None or isinstance(value, bool):
            return ""
        if isinstance(value, int | float):
            return str(value)
        if not isinstance(value, str):
            raise ReportError("wrong_format", f"{self.place(key)} is no text.")
        return clean(value, limit)

    def required(self, key: str, limit: int = 500) -> str:
        found = self.text(key, limit)
        if not found:
            raise ReportError("missing", f"{self.place(key)} is missing.")
        return found

    def texts(self, key: str, limit: int = 200) -> tuple[str, ...]:
        """A list of texts, or one; blanks left out."""
        value = self.value.get(key)
        every = value if isinstance(value, list) else [value]
        return tuple(found for each in every if (found := clean(each, limit)))

    def whole(self, key: str) -> int | None:
        """A line number or a count; nothing where there is none that makes sense."""
        value = self.value.get(key)
        return value if type(value) is int and 0 <= value < 2**31 else None

    def decimal(self, key: str) -> Decimal | None:
        value = self.value.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return Decimal(str(value))


def rows_of(value: Any, name: str = "") -> Iterator[Node]:
    """The objects of a list at the top of a report."""
    if not isinstance(value, list):
        raise ReportError("wrong_format", f"{name or 'The report'} is no list.")
    if len(value) > MAX_ROWS:
        raise ReportError("too_many", f"The report has more than {MAX_ROWS} entries.")
    for at, each in enumerate(value):
        yield Node(each, f"{name}[{at}]")
