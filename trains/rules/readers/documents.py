"""Reading JSON documents and JSON lines field by field; a bad entry is reported with its JSON pointer."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from trains.rules.readers import cells
from trains.rules.readers.cells import CellError
from trains.rules.readers.row_error import OnError, RowError
from trains.rules.readers.sources import Source, TooLarge, opened, source_name

DOCUMENT_LIMIT = 64 * 1024 * 1024
LINE_LIMIT = 1024 * 1024


class EntryError(CellError):
    """A field of an entry that cannot be used, with its pointer."""

    def __init__(self, pointer: str, sentence: str):
        super().__init__(sentence)
        self.pointer = pointer


def pointer(*parts: str | int) -> str:
    """An RFC 6901 JSON pointer."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


class Entry:
    """One JSON object whose fields are asked for by type."""

    __slots__ = ("_at", "_fields")

    def __init__(self, value: Any, at: str):
        if not isinstance(value, dict):
            raise EntryError(at, "An object is expected here.")
        self._fields, self._at = value, at

    def _refuse(self, key: str, sentence: str) -> EntryError:
        return EntryError(self._at + pointer(key), sentence)

    def text(self, key: str) -> str:
        """Text; absent, null and numbers become text too (identifiers come as numbers in some files)."""
        value = self._fields.get(key)
        if value is None:
            return ""
        if isinstance(value, bool | list | dict):
            raise self._refuse(key, "Text is expected here.")
        return _sound(str(value), self._at + pointer(key))

    def name(self, key: str) -> str:
        """Text that may not be blank."""
        value = self.text(key)
        if not value.strip():
            raise self._refuse(key, "A value is needed here.")
        return value

    def scalar(self, key: str) -> str:
        """Text, a number or a truth value, as text."""
        value = self._fields.get(key)
        return ("true" if value else "false") if isinstance(value, bool) else self.text(key)

    def flag(self, key: str) -> bool:
        """true or false; absent is false."""
        value = self._fields.get(key)
        if value is not None and not isinstance(value, bool):
            raise self._refuse(key, "true or false is expected here.")
        return bool(value)

    def whole(self, key: str) -> int | None:
        """A whole number of zero or more, or nothing."""
        value = self._fields.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self._refuse(key, "A whole number of zero or more is expected here.")
        return value

    def instant(self, key: str) -> datetime:
        """RFC 3339 date and time with its zone offset."""
        moment: datetime = self._read(key, cells.instant)
        return moment

    def instant_or_none(self, key: str) -> datetime | None:
        """The same; absent, null or empty is nothing."""
        return self.instant(key) if self.text(key) else None

    def day(self, key: str) -> date:
        """A calendar day."""
        day: date = self._read(key, cells.day)
        return day

    def _read(self, key: str, cell: cells.Cell) -> Any:
        try:
            return cell(self.name(key))
        except EntryError:
            raise
        except CellError as refused:
            raise self._refuse(key, str(refused)) from None

    def names(self, key: str) -> tuple[str, ...]:
        """A list of texts; absent and null are empty."""
        found = []
        for index, value in enumerate(self.items(key)):
            if not isinstance(value, str):
                raise EntryError(self._at + pointer(key, index), "Text is expected here.")
            found.append(_sound(value, self._at + pointer(key, index)))
        return tuple(found)

    def items(self, key: str) -> list[Any]:
        """A list of anything; absent and null are empty."""
        value = self._fields.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._refuse(key, "A list is expected here.")
        return value

    def entries(self, key: str) -> Iterator[Entry]:
        """A list of objects."""
        for index, value in enumerate(self.items(key)):
            yield Entry(value, self._at + pointer(key, index))

    def is_object(self, key: str) -> bool:
        """Whether the field holds an object."""
        return isinstance(self._fields.get(key), dict)

    def member(self, key: str) -> Entry:
        """The object in the field."""
        return Entry(self._fields.get(key), self._at + pointer(key))

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def members(self, key: str) -> dict[str, Any]:
        """An object used as a map; absent and null are empty."""
        value = self._fields.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self._refuse(key, "An object is expected here.")
        return value


def _sound(text: str, at: str) -> str:
    """Text that a database can hold."""
    if "\0" in text:
        raise EntryError(at, "This text holds a NUL character.")
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise EntryError(at, "This text holds half of a surrogate pair.") from None
    return text


def read_document(source: Source, on_error: OnError, *, name: str | None = None) -> Any:
    """The parsed document, or None after an error was reported."""
    file = source_name(source, name)
    try:
        with opened(source, DOCUMENT_LIMIT) as stream:
            return json.loads(stream.read().decode("utf-8-sig"))
    except TooLarge:
        on_error(RowError(file, None, "", "The document is larger than 64 MiB."))
    except json.JSONDecodeError as broken:
        on_error(RowError(file, broken.lineno, "", f"This is not JSON: {broken.msg}."))
    except (UnicodeDecodeError, RecursionError, ValueError):
        on_error(RowError(file, None, "", "This is not JSON in UTF-8, or it is nested too deeply."))
    except (zlib.error, EOFError, OSError) as broken:
        on_error(RowError(file, None, "", f"The file could not be read: {broken}."))
    return None


def read_lines(source: Source, on_error: OnError, *, name: str | None = None) -> Iterator[tuple[int, Entry]]:
    """The objects of a JSON Lines file with their line numbers."""
    file = source_name(source, name)
    number = 0
    try:
        with opened(source) as stream:
            while line := stream.readline(LINE_LIMIT + 1):
                number += 1
                if len(line) > LINE_LIMIT:
                    on_error(RowError(file, number, "", "The line is longer than 1 MiB; reading stops here."))
                    return
                if not line.strip():
                    continue
                try:
                    entry = Entry(json.loads(line.decode("utf-8-sig")), "")
                except (UnicodeDecodeError, json.JSONDecodeError, RecursionError, ValueError) as broken:
                    reason = "This line is not a JSON object"
                    on_error(RowError(file, number, "", f"{reason}: {getattr(broken, 'msg', broken)}."))
                    continue
                yield number, entry
    except TooLarge:
        on_error(RowError(file, None, "", "The file unpacks to more than the limit."))
    except (zlib.error, EOFError, OSError) as broken:
        on_error(RowError(file, number or None, "", f"The file could not be read to its end: {broken}."))
