"""Which form a catalogue comes in, told by its content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance.rules.intake.errors import ReportError
from governance.rules.intake.json_tree import parse_json

from .oscal import read_oscal
from .rows import read_csv, read_list
from .text import CatalogueFaults, CatalogueText, Fault, one_line

_LISTS = ("controls", "nodes", "requirements")


def read_catalogue(content: bytes) -> CatalogueText:
    """The catalogue in these bytes; raises CatalogueFaults with every fault and its place."""
    start = content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start not in (b"{", b"["):
        return read_csv(content)
    document = json_of(content)
    if isinstance(document, list):
        return read_list(document, "")
    if "catalog" in document:
        return read_oscal(document)
    if "profile" in document:
        raise CatalogueFaults(
            Fault(
                "",
                "This is a profile: a selection from a catalogue. Import the catalogue, then its baseline.",
            )
        )
    for name in _LISTS:
        if name in document:
            return read_list(document[name], f"/{name}", **_about(document))
    raise CatalogueFaults(
        Fault("", f"This is no catalogue: it has neither a catalog object nor a list {', '.join(_LISTS)}.")
    )


def json_of(content: bytes) -> Any:
    """The JSON value of the file."""
    try:
        return parse_json(content)
    except ReportError as error:
        line = getattr(error, "line", None)
        raise CatalogueFaults(Fault(f"line {line}" if line else "", str(error))) from error


def _about(document: Mapping[str, Any]) -> dict[str, str]:
    return {
        "title": one_line(document.get("title"), 200),
        "version": one_line(document.get("version"), 60),
        "source_id": one_line(document.get("catalog_uuid") or document.get("uuid"), 80),
    }
