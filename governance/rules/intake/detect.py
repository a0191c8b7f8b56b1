"""Which kind of report a file is, and reading it: by its content, never by its name."""

import re
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import Any

from . import (
    generic,
    performance,
    scanners_of_code,
    scanners_of_dependencies,
    scanners_of_packages,
    scanners_of_secrets,
    spdx,
)
from .coverage import CoverageSummary, read_coverage
from .cyclonedx import BillOfMaterials, read_cyclonedx
from .errors import DEFAULT_LIMIT, LIMITS, ReportError, check_size
from .json_tree import parse_json
from .openvex import VexDocument, read_openvex
from .performance import PerformanceReport
from .provenance import Provenance, is_provenance, read_provenance
from .sarif import ScanReport, read_sarif
from .scanned import ScannerReport
from .tests import TestSummary, read_tests
from .xml_tree import children, parse_xml

HEAD = 1 << 16
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_NAME = re.compile(r"<(?:[A-Za-z_][\w.-]{0,80}:)?([A-Za-z_][\w.-]{0,80})")

Report = (
    TestSummary
    | CoverageSummary
    | ScanReport
    | BillOfMaterials
    | VexDocument
    | ScannerReport
    | PerformanceReport
    | Provenance
)


class Kind(StrEnum):
    """Kinds of reports that can be read."""

    TESTS = "tests"
    COVERAGE = "coverage"
    SARIF = "sarif"
    CYCLONEDX = "cyclonedx"
    OPENVEX = "openvex"
    SPDX = "spdx"
    SCAN = "scan"
    PERFORMANCE = "performance"
    PROVENANCE = "provenance"


# Told apart by the shape of the whole document, in this order: what is recognised by less comes later.
_JSON: tuple[tuple[Kind, Callable[[Any], bool], Callable[[Any], Report]], ...] = (
    (Kind.SPDX, spdx.is_spdx, spdx.read_spdx),
    (Kind.SCAN, scanners_of_packages.is_trivy, scanners_of_packages.read_trivy),
    (Kind.SCAN, scanners_of_packages.is_grype, scanners_of_packages.read_grype),
    (Kind.SCAN, scanners_of_packages.is_snyk, scanners_of_packages.read_snyk),
    (Kind.SCAN, scanners_of_dependencies.is_npm_audit, scanners_of_dependencies.read_npm_audit),
    (Kind.SCAN, scanners_of_dependencies.is_gitlab, scanners_of_dependencies.read_gitlab),
    (Kind.SCAN, scanners_of_dependencies.is_pip_audit, scanners_of_dependencies.read_pip_audit),
    (Kind.SCAN, scanners_of_secrets.is_gitleaks, scanners_of_secrets.read_gitleaks),
    (Kind.SCAN, scanners_of_secrets.is_trufflehog, scanners_of_secrets.read_trufflehog),
    (Kind.SCAN, scanners_of_code.is_zap, scanners_of_code.read_zap_json),
    (Kind.SCAN, scanners_of_code.is_nuclei, scanners_of_code.read_nuclei),
    (Kind.SCAN, scanners_of_code.is_kics, scanners_of_code.read_kics),
    (Kind.SCAN, scanners_of_code.is_checkov, scanners_of_code.read_checkov),
    (Kind.SCAN, scanners_of_code.is_bandit, scanners_of_code.read_bandit),
    (Kind.SCAN, scanners_of_code.is_tfsec, scanners_of_code.read_tfsec),
    (Kind.PERFORMANCE, performance.is_k6, performance.read_k6),
    (Kind.SCAN, scanners_of_code.is_semgrep, scanners_of_code.read_semgrep),
    (Kind.SCAN, generic.is_generic, generic.read_generic_json),
)
_BY_ROOT = {
    "testsuites": Kind.TESTS,
    "testsuite": Kind.TESTS,
    "assemblies": Kind.TESTS,
    "assembly": Kind.TESTS,
    "test-run": Kind.TESTS,
    "test-suite": Kind.TESTS,
    "test-results": Kind.TESTS,
    "TestRun": Kind.TESTS,
    "coverage": Kind.COVERAGE,
    "report": Kind.COVERAGE,
    "CoverageSession": Kind.COVERAGE,
    "bom": Kind.CYCLONEDX,
    "OWASPZAPReport": Kind.SCAN,
    "analysis": Kind.SCAN,
    "testResults": Kind.PERFORMANCE,
}
# An empty list names no tool; whoever posts it says what it is a scan for.
_EMPTY = {
    "secrets": ("Gitleaks JSON", "Gitleaks"),
    "composition": ("pip-audit JSON", "pip-audit"),
    "dynamic": ("Nuclei JSON", "Nuclei"),
    "static_analysis": ("generic JSON", "generic"),
    "container": ("generic JSON", "generic"),
}


def detect(data: bytes) -> Kind:
    """The kind of a report; reading it is what proves the guess."""
    return _recognised(data)[0]


def read_report(data: bytes, kind: Kind | None = None, meant: str = "") -> Report:
    """Read a report of the given kind, or of the one it looks like; `meant` is the kind of evidence its sender says."""
    if kind is not None:
        return READERS[kind](data)
    head = _head(data)
    if meant in _EMPTY and len(data) < 64 and "".join(head.split()) in ("", "[]", "null", "{}"):
        format, tool = _EMPTY[meant]
        return ScannerReport(format, meant, (tool,), ())
    return _recognised(data)[1]()


def _recognised(data: bytes) -> tuple[Kind, Callable[[], Report]]:
    head = _head(data)
    if head.startswith("<"):
        kind = _BY_ROOT.get(_root(head))
        if kind:
            return kind, lambda: READERS[kind](data)
    elif head[:1] in ("{", "["):
        kind = _json_kind(head)
        if kind:
            return kind, lambda: READERS[kind](data)
        body = _parsed(data)
        if is_provenance(body):
            return Kind.PROVENANCE, lambda: read_unverified_provenance(data)
        return _by_shape(body)
    elif re.match(r"(TN|SF):|mode:", head):
        return Kind.COVERAGE, lambda: read_coverage(data)
    elif spdx.looks_like_tags(head):
        return Kind.SPDX, lambda: read_spdx(data)
    elif performance.looks_like_jtl(head):
        return Kind.PERFORMANCE, lambda: read_performance(data)
    elif generic.looks_like_csv(head):
        return Kind.SCAN, lambda: read_scan(data)
    if not data.strip():
        raise ReportError("empty", "The report is empty.")
    raise ReportError("unknown_format", "The report is of no format that can be read.")


def _by_shape(body: Any) -> tuple[Kind, Callable[[], Report]]:
    for kind, fits, read in _JSON:
        if fits(body):
            return kind, partial(read, body)
    if body in ([], {}, None):
        raise ReportError(
            "unknown_format", "An empty document names no tool: say which kind of report it is."
        )
    raise ReportError("unknown_format", "The report is of no format that can be read.")


def _parsed(data: bytes) -> Any:
    """JSON, or JSON Lines: a document per line, as some scanners write."""
    check_size(data, "scan")
    try:
        return parse_json(data)
    except ReportError as error:
        if error.code != "not_json" or not re.match(rb"\s*\{[^\n]*\}\s*\n\s*\{", data[:HEAD]):
            raise
    rows = []
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        try:
            rows.append(parse_json(line))
        except ReportError as error:
            raise ReportError(error.code, error.sentence, number) from error
    return rows


def read_scan(data: bytes, limit: int | None = None) -> ScannerReport:
    """Read the report of a scanner."""
    check_size(data, "scan", limit)
    head = _head(data)
    if head.startswith("<"):
        root = parse_xml(data)
        name = root.tag.rpartition("}")[2]
        if name == "OWASPZAPReport":
            return scanners_of_code.read_zap(root)
        if name == "analysis" and any(
            children(root, part) for part in ("dependencies", "scanInfo", "projectInfo")
        ):
            return scanners_of_dependencies.read_dependency_check(root)
        raise ReportError("wrong_format", "The report is of no scanner that can be read.")
    if head[:1] in ("{", "["):
        return _scanner(_by_shape(_parsed(data))[1]())
    if generic.looks_like_csv(head):
        return generic.read_generic_csv(data)
    raise ReportError("wrong_format", "The report is of no scanner that can be read.")


def read_spdx(data: bytes, limit: int | None = None) -> BillOfMaterials:
    """Read an SPDX document, JSON or tag-value."""
    check_size(data, "spdx", limit)
    if _head(data)[:1] == "{":
        return spdx.read_spdx(parse_json(data))
    return spdx.read_spdx_tags(data)


def read_performance(data: bytes, limit: int | None = None) -> PerformanceReport:
    """Read what a load test measured."""
    check_size(data, "performance", limit)
    head = _head(data)
    if head.startswith("<"):
        return performance.read_jtl_xml(parse_xml(data))
    if head[:1] == "{":
        return performance.read_k6(parse_json(data))
    if performance.looks_like_jtl(head):
        return performance.read_jtl_csv(data)
    raise ReportError("wrong_format", "The report is of no load test that can be read.")


def _scanner(report: Report) -> ScannerReport:
    if not isinstance(report, ScannerReport):
        raise ReportError("wrong_format", "The report is no scanner's report.")
    return report


def read_unverified_provenance(data: bytes, limit: int | None = None) -> Provenance:
    """Read an in-toto statement without trusting any key yet."""
    return read_provenance(data, (), limit)


READERS: dict[Kind, Callable[[bytes], Report]] = {
    Kind.TESTS: read_tests,
    Kind.COVERAGE: read_coverage,
    Kind.SARIF: read_sarif,
    Kind.CYCLONEDX: read_cyclonedx,
    Kind.OPENVEX: read_openvex,
    Kind.SPDX: read_spdx,
    Kind.SCAN: read_scan,
    Kind.PERFORMANCE: read_performance,
    Kind.PROVENANCE: read_unverified_provenance,
}
LARGEST = max(DEFAULT_LIMIT, *LIMITS.values())


def _json_kind(head: str) -> Kind | None:
    if re.search(r'"@context"\s*:\s*"https://openvex\.dev/ns', head):
        return Kind.OPENVEX
    if re.search(r'"bomFormat"\s*:', head) or re.search(
        r'"\$schema"\s*:\s*"[^"]*cyclonedx', head, re.IGNORECASE
    ):
        return Kind.CYCLONEDX
    if re.search(r'"runs"\s*:', head) or re.search(r'"\$schema"\s*:\s*"[^"]*sarif', head, re.IGNORECASE):
        return Kind.SARIF
    return None


def _root(head: str) -> str:
    """The name of the first element, past comments, instructions and the document type; each is passed over once."""
    at = head.find("<")
    while at >= 0:
        if head.startswith("<!--", at):
            end = head.find("-->", at + 4)
        elif head.startswith("<?", at):
            end = head.find("?>", at + 2)
        elif head.startswith("<!", at):
            end = head.find(">", at)
            inner = head.find("[", at)
            if 0 <= inner < end:
                inner = head.find("]", inner)
                end = head.find(">", inner) if inner >= 0 else -1
        else:
            found = _NAME.match(head, at)
            return found[1] if found else ""
        at = head.find("<", end) if end >= 0 else -1
    return ""


def _head(data: bytes) -> str:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) : HEAD].decode(encoding, "replace").lstrip()
    return data[:HEAD].decode("utf-8", "replace").lstrip()
