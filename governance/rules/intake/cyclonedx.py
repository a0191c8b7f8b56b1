"""CycloneDX 1.4 to 1.6 (JSON and XML): components with licences, vulnerabilities with VEX analysis.

JSON is judged by the published schemas, which come with the package ``cyclonedx-python-lib`` (Apache-2.0), in
the fast validator ``jsonschema-rs``. XML is put into the terms of the JSON format by ``cyclonedx_xml`` (the
parts that we read) and judged by the same schemas.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema_rs

from .cvss_score import best_vector
from .cyclonedx_xml import read_xml
from .errors import ReportError, check_size
from .json_tree import parse_json
from .severity import Severity, severity_of_score
from .values import clean

VERSIONS = ("1.4", "1.5", "1.6")
MAX_COMPONENTS = 200_000


class Analysis(StrEnum):
    """What whoever made the document says of a vulnerability in this product (VEX)."""

    RESOLVED = "resolved"
    RESOLVED_WITH_PEDIGREE = "resolved_with_pedigree"
    EXPLOITABLE = "exploitable"
    IN_TRIAGE = "in_triage"
    FALSE_POSITIVE = "false_positive"
    NOT_AFFECTED = "not_affected"


# States in which a vulnerability is no longer one of this product.
SETTLED = frozenset(
    {Analysis.RESOLVED, Analysis.RESOLVED_WITH_PEDIGREE, Analysis.FALSE_POSITIVE, Analysis.NOT_AFFECTED}
)


@dataclass(frozen=True, slots=True)
class Component:
    """One component; ``licences`` are SPDX identifiers, expressions or names as they are written."""

    type: str
    name: str
    version: str
    group: str
    purl: str
    cpe: str
    bom_ref: str
    scope: str
    licences: tuple[str, ...]
    hashes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """One vulnerability with its worst rating and the analysis, if there is any."""

    id: str
    source: str
    severity: Severity | None
    score: Decimal | None
    method: str
    description: str
    analysis: Analysis | None
    justification: str
    responses: tuple[str, ...]
    detail: str
    affects: tuple[str, ...]
    vector: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether the analysis says that nothing needs to be done any more."""
        return self.analysis in SETTLED


@dataclass(frozen=True, slots=True)
class BillOfMaterials:
    """A read document."""

    spec_version: str
    serial_number: str
    version: int
    subject: Component | None
    components: tuple[Component, ...]
    vulnerabilities: tuple[Vulnerability, ...]
    format: str = "CycloneDX"


def read_cyclonedx(data: bytes, limit: int | None = None) -> BillOfMaterials:
    """Read and validate a document."""
    check_size(data, "cyclonedx", limit)
    text = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    is_xml = text[:1] == b"<" or data[:4] in (b"\xff\xfe<\x00", b"\xfe\xff\x00<")
    body = read_xml(data) if is_xml else parse_json(data)
    if not isinstance(body, dict) or (body.get("bomFormat") is None and body.get("specVersion") is None):
        raise ReportError("wrong_format", "The report is no CycloneDX document.")
    version = body.get("specVersion")
    if version not in VERSIONS:
        known = ", ".join(VERSIONS)
        raise ReportError(
            "wrong_version", f"CycloneDX {clean(str(version), 20)!r} is not read, only {known}."
        )
    _validate(body, version)
    components = tuple(_component(item) for item in _nested(body.get("components", [])))
    names = {
        component.bom_ref: component.purl or component.name for component in components if component.bom_ref
    }
    metadata = body.get("metadata", {}).get("component")
    return BillOfMaterials(
        spec_version=version,
        serial_number=clean(body.get("serialNumber")),
        version=body.get("version", 1),
        subject=_component(metadata) if metadata else None,
        components=components,
        vulnerabilities=tuple(_vulnerability(item, names) for item in body.get("vulnerabilities", [])),
    )


@cache
def _validator(version: str) -> Any:
    folder = files("cyclonedx.schema") / "_res"

    def schema(name: str) -> Any:
        return json.loads((folder / f"{name}.SNAPSHOT.schema.json").read_text(encoding="utf-8"))

    def retrieve(uri: str) -> Any:
        return schema(uri.rpartition("/")[2].removesuffix(".schema.json").removesuffix(".SNAPSHOT"))

    return jsonschema_rs.validator_for(schema(f"bom-{version}"), validate_formats=True, retriever=retrieve)


def _validate(body: dict[str, Any], version: str) -> None:
    error = next(_validator(version).iter_errors(body), None)
    if error is None:
        return
    where = "/" + "/".join(str(part) for part in error.instance_path)
    reason = clean(error.message, 200)
    raise ReportError(
        "invalid", f"The document breaks the CycloneDX {version} schema at {clean(where)}: {reason}"
    )


def _nested(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Components and the components inside them, in document order."""
    waiting, number = rows[::-1], 0
    while waiting:
        item = waiting.pop()
        number += 1
        if number > MAX_COMPONENTS:
            raise ReportError("too_many", f"The document has more than {MAX_COMPONENTS} components.")
        yield item
        waiting.extend(item.get("components", [])[::-1])


def _component(item: dict[str, Any]) -> Component:
    return Component(
        type=clean(item.get("type"), 80),
        name=clean(item.get("name")),
        version=clean(item.get("version"), 200),
        group=clean(item.get("group")),
        purl=clean(item.get("purl"), 1000),
        cpe=clean(item.get("cpe")),
        bom_ref=clean(item.get("bom-ref"), 1000),
        scope=clean(item.get("scope"), 80) or "required",
        licences=tuple(_licences(item.get("licenses", []))),
        hashes=tuple((clean(row["alg"], 40), clean(row["content"], 200)) for row in item.get("hashes", [])),
    )


def _licences(rows: list[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        licence = row.get("license", {})
        text = clean(row.get("expression")) or clean(licence.get("id")) or clean(licence.get("name"))
        if text:
            yield text


def _vulnerability(item: dict[str, Any], names: dict[str, str]) -> Vulnerability:
    severity, score, method = _rating(item.get("ratings", []))
    vector, computed = best_vector([clean(row.get("vector"), 200) for row in item.get("ratings", [])])
    score = score if score is not None else computed
    if severity is None and score is not None and computed is not None:
        severity = severity_of_score(score)
    analysis = item.get("analysis", {})
    refs = [clean(row.get("ref"), 1000) for row in item.get("affects", [])]
    return Vulnerability(
        id=clean(item.get("id"), 200),
        source=clean(item.get("source", {}).get("name"), 200),
        severity=severity,
        score=score,
        method=method,
        description=clean(item.get("description"), 4000),
        analysis=Analysis(analysis["state"]) if analysis.get("state") else None,
        justification=clean(analysis.get("justification"), 200),
        responses=tuple(clean(text, 80) for text in analysis.get("response", [])),
        detail=clean(analysis.get("detail"), 4000),
        affects=tuple(names.get(ref, ref) for ref in refs),
        vector=vector,
        aliases=tuple(name for row in item.get("references", []) if (name := clean(row.get("id"), 200))),
    )


_SEVERITIES = {
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "low": Severity.LOW,
    "info": Severity.INFO,
    "none": Severity.INFO,
}
_ORDER = list(Severity)


def _rating(rows: list[dict[str, Any]]) -> tuple[Severity | None, Decimal | None, str]:
    """The worst rating: several sources may rate one vulnerability, and the mildest must not win."""
    found: list[tuple[int, Decimal, Severity | None, Decimal | None, str]] = []
    for row in rows:
        number = row.get("score")
        score = Decimal(str(number)) if number is not None else None
        severity = _SEVERITIES.get(row.get("severity", ""))
        if severity is None and score is not None and str(row.get("method", "")).startswith("CVSS"):
            severity = severity_of_score(score)
        rank = _ORDER.index(severity) if severity else len(_ORDER)
        found.append((rank, -(score or Decimal(0)), severity, score, clean(row.get("method"), 40)))
    if not found:
        return None, None, ""
    _, _, severity, score, method = min(found, key=lambda entry: entry[:2])
    return severity, score, method
