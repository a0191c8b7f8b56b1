"""Turning one cell of text into a typed value, or a sentence saying why it cannot be one."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

Cell = Callable[[str], Any]


class CellError(ValueError):
    """The sentence shown beside the cell."""


def shown(text: str) -> str:
    """The offending text, short enough to print in a sentence."""
    return repr(text if len(text) <= 40 else text[:37] + "…")


def text(value: str) -> str:
    """Any text, empty allowed."""
    return value


def name(value: str) -> str:
    """Text that may not be blank."""
    if not value or value.isspace():
        raise CellError("A value is needed here; the cell is empty.")
    return value


def instant(value: str) -> datetime:
    """RFC 3339 date and time. Without an offset it could mean many moments, so it is refused."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise CellError(f"{shown(value)} is not a date and time such as 2024-03-01T09:30:00Z.") from None
    if moment.tzinfo is None:
        raise CellError(f"{shown(value)} has no zone offset; write Z or +02:00 at the end.")
    return moment


def day(value: str) -> date:
    """A calendar day, 2024-03-01."""
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise CellError(f"{shown(value)} is not a day such as 2024-03-01.") from None


def days(value: str) -> tuple[date, ...]:
    """Calendar days parted by semicolons; may be empty."""
    return tuple(day(part) for part in value.split(";")) if value else ()


def whole(value: str) -> int:
    """A whole number, zero or more."""
    if value.isdecimal() and value.isascii() and len(value) <= 15:
        return int(value)
    raise CellError(f"{shown(value)} is not a whole number of zero or more.")


def number(value: str) -> float:
    """A finite decimal number."""
    try:
        result = float(value)
    except ValueError:
        raise CellError(f"{shown(value)} is not a number.") from None
    if not math.isfinite(result):
        raise CellError(f"{shown(value)} is not a finite number.")
    return result


_FLAGS = {"1": True, "0": False, "true": True, "false": False}


def flag(value: str) -> bool:
    """1, 0, true or false."""
    try:
        return _FLAGS[value]
    except KeyError:
        pass
    try:
        return _FLAGS[value.lower()]
    except KeyError:
        raise CellError(f"{shown(value)} is not 1, 0, true or false.") from None


def optional(cell: Cell) -> Cell:
    """The same cell, with an empty one read as nothing."""

    def read(value: str) -> Any:
        return cell(value) if value else None

    read.__doc__ = f"{(cell.__doc__ or '').rstrip('.')}; may be empty."
    return read


def one_of(*allowed: str) -> Cell:
    """One of the words given."""
    words = {word: word for word in allowed}

    def read(value: str) -> str:
        try:
            return words[value]
        except KeyError:
            raise CellError(f"{shown(value)} is not one of {', '.join(allowed)}.") from None

    read.__doc__ = f"One of: {', '.join(allowed)}."
    return read


def several(separator: str) -> Cell:
    """Several values in one cell."""

    def read(value: str) -> tuple[str, ...]:
        return tuple(part for part in value.split(separator) if part) if value else ()

    read.__doc__ = f"Values parted by {separator!r}; may be empty."
    return read
