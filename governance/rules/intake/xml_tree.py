"""XML to a tree, safely: no entities, no declarations, no external parts, bounded depth and size."""

from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder  # nosec B405 - defusedxml parses
from xml.parsers.expat import errors  # nosec B407 - codes only

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from .errors import ReportError

MAX_ELEMENTS = 1_000_000
MAX_DEPTH = 100
_ENCODING = {
    errors.codes[errors.XML_ERROR_UNKNOWN_ENCODING],
    errors.codes[errors.XML_ERROR_INCORRECT_ENCODING],
}


class _Declared(Exception):
    """The document type declares something."""


class _Parser(DefusedXMLParser):  # type: ignore[misc]
    """Takes a document type by name, as JaCoCo and Cobertura write it, but nothing declared in it."""

    def __init__(self) -> None:
        super().__init__(target=TreeBuilder())
        for handler in ("ElementDeclHandler", "AttlistDeclHandler", "NotationDeclHandler"):
            setattr(self.parser, handler, self._refuse)

    @staticmethod
    def _refuse(*_: Any) -> None:
        raise _Declared


def parse_xml(data: bytes) -> Element:
    """The root element of a document."""
    if data.count(b"<") - data.count(b"</") > MAX_ELEMENTS:
        raise ReportError("too_many", f"The report has more than {MAX_ELEMENTS} elements.")
    parser = _Parser()
    try:
        parser.feed(data)
        root: Element = parser.close()
    except (DefusedXmlException, _Declared) as error:
        raise ReportError(
            "declarations", "The report declares entities or other types; none are taken."
        ) from error
    except ParseError as error:
        code = "encoding" if error.code in _ENCODING else "not_xml"
        line = error.position[0] if error.position else None
        raise ReportError(code, f"The report is no well-formed XML: {_reason(error)}.", line) from error
    except (ValueError, LookupError) as error:
        raise ReportError(
            "encoding", "The report's declared encoding is not one that can be read."
        ) from error
    _check_depth(root)
    return root


def local(element: Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def namespace(element: Element) -> str:
    """An element's namespace, or nothing."""
    return element.tag[1:].rpartition("}")[0] if element.tag.startswith("{") else ""


def child(element: Element, name: str) -> Element | None:
    """The first direct child of a name."""
    return next((item for item in element if local(item) == name), None)


def children(element: Element, name: str) -> list[Element]:
    """All direct children of a name."""
    return [item for item in element if local(item) == name]


def descendants(element: Element, name: str) -> list[Element]:
    """All elements of a name below the element, in document order."""
    return [item for item in element.iter() if local(item) == name and item is not element]


def _reason(error: ParseError) -> str:
    return str(error).partition(":")[0]


def _check_depth(root: Element) -> None:
    row, depth = [root], 0
    while row:
        depth += 1
        if depth > MAX_DEPTH:
            raise ReportError("too_deep", f"The report is nested more than {MAX_DEPTH} levels deep.")
        row = [item for element in row for item in element]
