"""CycloneDX XML in the terms of its JSON format: components, licences, vulnerabilities, analysis."""

from typing import Any
from xml.etree.ElementTree import Element  # nosec B405 - the type; parsing is defusedxml

from .errors import ReportError
from .values import clean
from .xml_tree import child, children, local, namespace, parse_xml

_NAMESPACE = "http://cyclonedx.org/schema/bom/"


def read_xml(data: bytes) -> dict[str, Any]:
    """The document as an object that the JSON schemas judge."""
    root = parse_xml(data)
    if local(root) != "bom" or not namespace(root).startswith(_NAMESPACE):
        raise ReportError("wrong_format", "The report is no CycloneDX document.")
    body: dict[str, Any] = {"bomFormat": "CycloneDX", "specVersion": namespace(root).removeprefix(_NAMESPACE)}
    if body["specVersion"] < "1.4":
        # Older documents had another shape; the reader refuses them by their version.
        return body
    _put(body, "serialNumber", root.get("serialNumber"))
    _put(body, "version", _integer(root.get("version")))
    metadata = child(root, "metadata")
    subject = child(metadata, "component") if metadata is not None else None
    if subject is not None:
        body["metadata"] = {"component": _component(subject)}
    for name, one, read in (
        ("components", "component", _component),
        ("vulnerabilities", "vulnerability", _vulnerability),
    ):
        box = child(root, name)
        if box is not None:
            body[name] = [read(item) for item in children(box, one)]
    return body


def _component(item: Element) -> dict[str, Any]:
    # Nesting is bounded by the depth that parse_xml accepts.
    out: dict[str, Any] = {}
    _put(out, "type", item.get("type"))
    _put(out, "bom-ref", item.get("bom-ref"))
    for name in ("name", "version", "group", "purl", "cpe", "scope", "description"):
        _put(out, name, _text(item, name))
    hashes = child(item, "hashes")
    if hashes is not None:
        out["hashes"] = [{"alg": row.get("alg"), "content": (row.text or "").strip()} for row in hashes]
    licences = child(item, "licenses")
    if licences is not None:
        out["licenses"] = [_licence(row) for row in licences if local(row) in ("license", "expression")]
    inner = child(item, "components")
    if inner is not None:
        out["components"] = [_component(row) for row in children(inner, "component")]
    return out


def _licence(row: Element) -> dict[str, Any]:
    if local(row) == "expression":
        return {"expression": (row.text or "").strip()}
    out: dict[str, Any] = {}
    for name in ("id", "name", "url"):
        _put(out, name, _text(row, name))
    return {"license": out}


def _vulnerability(item: Element) -> dict[str, Any]:
    out: dict[str, Any] = {}
    _put(out, "bom-ref", item.get("bom-ref"))
    for name in ("id", "description", "detail", "recommendation"):
        _put(out, name, _text(item, name))
    _put(out, "source", _source(item))
    ratings = child(item, "ratings")
    if ratings is not None:
        out["ratings"] = [_rating(row) for row in children(ratings, "rating")]
    analysis = child(item, "analysis")
    if analysis is not None:
        out["analysis"] = _analysis(analysis)
    affects = child(item, "affects")
    if affects is not None:
        out["affects"] = [{"ref": _text(row, "ref")} for row in children(affects, "target")]
    return out


def _source(item: Element) -> dict[str, Any] | None:
    source = child(item, "source")
    if source is None:
        return None
    out: dict[str, Any] = {}
    for name in ("name", "url"):
        _put(out, name, _text(source, name))
    return out


def _rating(row: Element) -> dict[str, Any]:
    out: dict[str, Any] = {}
    _put(out, "source", _source(row))
    for name in ("severity", "method", "vector", "justification"):
        _put(out, name, _text(row, name))
    score = _text(row, "score")
    if score is not None:
        out["score"] = _decimal(score)
    return out


def _analysis(item: Element) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name in ("state", "justification", "detail"):
        _put(out, name, _text(item, name))
    responses = child(item, "responses")
    if responses is not None:
        out["response"] = [(row.text or "").strip() for row in children(responses, "response")]
    return out


def _text(item: Element, name: str) -> str | None:
    found = child(item, name)
    return None if found is None else (found.text or "").strip()


def _put(out: dict[str, Any], name: str, value: Any) -> None:
    if value is not None:
        out[name] = value


def _integer(text: str | None) -> int | str | None:
    """As a number if it is one; the schema refuses whatever else is written."""
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else text


def _decimal(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not 0 <= number < 1e6:
        raise ReportError("bad_value", f"A rating has the score {clean(text, 40)!r}.")
    return number
