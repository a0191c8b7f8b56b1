"""Catalogues as rows: CSV with a header, or a JSON list of objects. Columns are known by their usual names."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from typing import Any

from .text import CatalogueFaults, CatalogueText, ControlText, Fault, judged, one_line, whole

# What the columns are called elsewhere; the first of a row is our own name.
NAMES = {
    "identifier": (
        "identifier",
        "id",
        "control identifier",
        "control id",
        "control_id",
        "ref_id",
        "reference",
        "code",
        "number",
    ),
    "title": ("title", "name", "control name", "control_name", "control (or control enhancement) name"),
    "statement": ("statement", "text", "description", "control text", "requirement"),
    "group": ("group", "family_title", "family", "domain", "category"),
    "parent": ("parent", "parent_id", "part of"),
    "withdrawn": ("withdrawn",),
    "depth": ("depth", "level"),
    "enhancements": ("enhancements",),
}
# Identifiers like cm-3.2, which people say and write in capitals.
_SPOKEN_LARGE = re.compile(r"[a-z]{2,4}-[0-9.]+(\([0-9]+\))?")
_YES = {"true", "yes", "y", "1"}


def read_csv(content: bytes) -> CatalogueText:
    """Rows below a header."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CatalogueFaults(Fault("", "This is not UTF-8 text. Save the file as UTF-8.")) from None
    if "\0" in text:
        raise CatalogueFaults(Fault("", "It contains a NUL character."))
    delimiter = max((",", ";", "\t"), key=text.split("\n", 1)[0].count)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as broken:
        raise CatalogueFaults(Fault("", f"This is not well-formed CSV: {broken}.")) from None
    header = [one_line(cell).lower() for cell in lines[0]] if lines else []
    if not any(name in NAMES["identifier"] for name in header):
        raise CatalogueFaults(
            Fault(
                "row 1", "No column names the controls. Call it identifier; title and statement may follow."
            )
        )
    records: list[tuple[str, Mapping[str, Any]]] = []
    for number, line in enumerate(lines[1:], 2):
        if not any(cell.strip() for cell in line):
            continue
        if len(line) > len(header):
            raise CatalogueFaults(
                Fault(f"row {number}", f"It has {len(line)} cells, the header {len(header)}.")
            )
        records.append((f"row {number}", dict(zip(header, line, strict=False))))
    return judged(_controls(records), "CSV")


def read_list(listed: Any, place: str, **about: str) -> CatalogueText:
    """Objects of a JSON list."""
    if not isinstance(listed, list):
        raise CatalogueFaults(Fault(place, "It must be a list."))
    records: list[tuple[str, Mapping[str, Any]]] = []
    for number, each in enumerate(listed):
        if not isinstance(each, Mapping):
            raise CatalogueFaults(Fault(f"{place}/{number}", "It must be an object."))
        records.append((f"{place}/{number}", {str(k).lower(): v for k, v in each.items()}))
    return judged(_controls(records), "JSON list", **about)


def _controls(records: list[tuple[str, Mapping[str, Any]]]) -> list[ControlText]:
    """Controls in order. Rows without an identifier, where depth says they explain the one before, are left out."""
    controls: list[ControlText] = []
    above: dict[int, ControlText] = {}
    for place, record in records:
        depth = _number(_named(record, "depth"))
        identifier = one_line(_named(record, "identifier"))
        if not identifier and depth is not None and controls:
            continue
        parent = one_line(_named(record, "parent"))
        group = one_line(_named(record, "group"))
        if depth is not None:
            higher = [above[d] for d in sorted(above) if d < depth]
            parent = parent or (higher[-1].identifier if higher else "")
            group = group or (higher[0].title if higher else "")
        control = _control(record, place, identifier, parent, group)
        controls.append(control)
        if depth is not None:
            above = {d: c for d, c in above.items() if d < depth} | {depth: control}
        for number, part in enumerate(_parts(record, place)):
            inner = {str(k).lower(): v for k, v in part.items()}
            controls.append(
                _control(
                    inner,
                    f"{place}/enhancements/{number}",
                    one_line(_named(inner, "identifier")),
                    identifier,
                    control.group,
                )
            )
    return controls


def _control(record: Mapping[str, Any], place: str, identifier: str, parent: str, group: str) -> ControlText:
    given = _named(record, "statement")
    statement = whole("\n".join(map(str, given)) if isinstance(given, list) else given)
    return ControlText(
        identifier=identifier,
        code=identifier.upper() if _SPOKEN_LARGE.fullmatch(identifier) else identifier,
        title=one_line(_named(record, "title")) or one_line(statement, 300),
        statement=statement,
        group=group,
        parent=parent,
        withdrawn=str(_named(record, "withdrawn") or "").strip().lower() in _YES,
        place=place,
    )


def _named(record: Mapping[str, Any], name: str) -> Any:
    return next((record[known] for known in NAMES[name] if record.get(known) not in (None, "")), None)


def _parts(record: Mapping[str, Any], place: str) -> list[Mapping[str, Any]]:
    found = _named(record, "enhancements") or []
    if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
        raise CatalogueFaults(Fault(f"{place}/enhancements", "It must be a list of objects."))
    return found


def _number(value: Any) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None
