"""Demand of a portfolio tool, from CSV or from objects: foreign names mapped to fields, every row checked."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

MOST_ROWS = 5_000
FIELDS = ("external_id", "title", "description", "requester", "bucket", "points", "wanted_by", "url")
REQUIRED = ("external_id", "title")
LENGTHS = {
    "external_id": 120,
    "title": 200,
    "requester": 120,
    "bucket": 80,
    "url": 500,
    "description": 20_000,
}
# What portfolio tools call these; the first that is there counts.
ALIASES: dict[str, tuple[str, ...]] = {
    "external_id": ("id", "key", "issue key", "epic id", "number"),
    "title": ("name", "summary", "epic name", "short description"),
    "description": ("business case", "hypothesis", "details"),
    "requester": ("requested by", "sponsor", "epic owner", "owner"),
    "bucket": ("investment bucket", "investment type", "budget", "category"),
    "points": ("size", "estimate", "estimated points", "effort"),
    "wanted_by": ("target date", "due date", "needed by", "target completion date"),
    "url": ("link", "address"),
}


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong in a row, counted from 1; row 0 is the whole."""

    row: int
    name: str
    sentence: str

    def __str__(self) -> str:
        place = f"Row {self.row}" if self.row else "The data"
        return f"{place}, {self.name}: {self.sentence}" if self.name else f"{place}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class DemandRow:
    """One demand; empty values leave what is there."""

    row: int
    external_id: str
    title: str
    description: str = ""
    requester: str = ""
    bucket: str = ""
    points: int | None = None
    wanted_by: date | None = None
    url: str = ""


@dataclass(slots=True)
class DemandRows:
    """What was read: rows, errors, and which name became which field."""

    mapping: dict[str, str] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    rows: list[DemandRow] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)


def read_csv(content: bytes, mapping: Mapping[str, Any] | None = None) -> DemandRows:
    """Read a CSV file with a header."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return DemandRows(errors=[RowError(0, "", "This is not UTF-8 text. Save the file as UTF-8.")])
    if "\0" in text:
        return DemandRows(errors=[RowError(0, "", "It contains a NUL character.")])
    delimiter = max((",", ";", "\t"), key=text.split("\n", 1)[0].count)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as broken:
        return DemandRows(errors=[RowError(0, "", f"This is not well-formed CSV: {broken}.")])
    if not lines or not any(name.strip() for name in lines[0]):
        return DemandRows(errors=[RowError(0, "", "It is empty.")])
    header = [name.strip() for name in lines[0]]
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        return DemandRows(errors=[RowError(0, twice[0], "The header names this column more than once.")])
    records: list[Any] = []
    for number, line in enumerate(lines[1:], 1):
        if not any(cell.strip() for cell in line):
            continue
        if len(line) > len(header):
            return DemandRows(
                errors=[RowError(number, "", f"It has {len(line)} cells, the header {len(header)}.")]
            )
        records.append(dict(zip(header, line, strict=False)))
    return read_rows(records, mapping)


def read_rows(records: Sequence[Any], mapping: Mapping[str, Any] | None = None) -> DemandRows:
    """Read objects. `mapping` names a property for a field and goes before what the names suggest."""
    found = DemandRows()
    if not 1 <= len(records) <= MOST_ROWS:
        found.errors.append(RowError(0, "", f"Give 1 to {MOST_ROWS} rows, not {len(records)}."))
        return found
    for place, record in enumerate(records, 1):
        if not isinstance(record, Mapping):
            found.errors.append(RowError(place, "", "It must be an object."))
    if found.errors:
        return found
    names = list(dict.fromkeys(str(name) for record in records for name in record))
    _map(names, mapping or {}, found)
    if found.errors:
        return found
    ids: dict[str, int] = {}
    for place, record in enumerate(records, 1):
        row = _row(place, record, found)
        if row is None:
            continue
        if row.external_id in ids:
            found.errors.append(
                RowError(
                    place,
                    found.mapping["external_id"],
                    f"{row.external_id} stands in row {ids[row.external_id]} already.",
                )
            )
        ids.setdefault(row.external_id, place)
        found.rows.append(row)
    return found


def _map(names: list[str], mapping: Mapping[str, Any], found: DemandRows) -> None:
    for name, column in mapping.items():
        if name not in FIELDS:
            found.errors.append(
                RowError(0, str(name)[:60], f"There is no such field; known are {', '.join(FIELDS)}.")
            )
        elif column not in names:
            found.errors.append(
                RowError(0, str(column)[:60], f"Nothing has this name, but {name} is mapped to it.")
            )
        else:
            found.mapping[name] = column
    folded = {name.strip().casefold().replace("_", " "): name for name in reversed(names)}
    for name in FIELDS:
        if name not in found.mapping:
            known = (name.replace("_", " "), *ALIASES[name])
            hit = next((folded[each] for each in known if each in folded), None)
            if hit is not None and hit not in found.mapping.values():
                found.mapping[name] = hit
    for name in REQUIRED:
        if name not in found.mapping:
            found.errors.append(RowError(0, "", f"Nothing is mapped to {name}; name the column for it."))
    found.unused = [name for name in names if name not in found.mapping.values()]


def _row(place: int, record: Mapping[str, Any], found: DemandRows) -> DemandRow | None:
    before = len(found.errors)
    values: dict[str, Any] = {}
    for name, column in found.mapping.items():
        raw = record.get(column)
        if raw is None or (isinstance(raw, str) and not raw.strip()):
            if name in REQUIRED:
                found.errors.append(RowError(place, column, "It is empty."))
            continue
        problem, value = _value(name, raw)
        if problem:
            found.errors.append(RowError(place, column, problem))
        else:
            values[name] = value
    return DemandRow(place, **values) if len(found.errors) == before else None


def _value(name: str, raw: Any) -> tuple[str, Any]:
    if isinstance(raw, bool | list | dict):
        return "Give a text or a number.", None
    text = str(raw).strip()
    if "\0" in text:
        return "It contains a NUL character.", None
    if name == "points":
        return (
            ("", int(text))
            if text.isascii() and text.isdigit() and int(text[:6]) <= 9999
            else (f"{text[:30]} is not a whole number from 0 to 9999.", None)
        )
    if name == "wanted_by":
        try:
            return "", date.fromisoformat(text[:10])
        except ValueError:
            return f"{text[:30]} is not a date like 2026-11-21.", None
    if len(text) > LENGTHS[name]:
        return f"It is longer than {LENGTHS[name]} characters.", None
    if name == "url" and not text.startswith(("https://", "http://")):
        return "An address begins with https:// or http://.", None
    return "", text
