"""Which kind of report a file is, and reading it: by its content, never by its name."""

import re
from collections.abc import Callable
from enum import StrEnum

from .coverage import CoverageSummary, read_coverage
from .cyclonedx import BillOfMaterials, read_cyclonedx
from .errors import ReportError
from .openvex import VexDocument, read_openvex
from .sarif import ScanReport, read_sarif
from .tests import TestSummary, read_tests

HEAD = 1 << 16
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_ROOT = re.compile(r"<([A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)([^<>]*)")
_SKIPPED = re.compile(r"<!--.*?-->|<\?.*?\?>|<!DOCTYPE[^\[>]*(\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE)

Report = TestSummary | CoverageSummary | ScanReport | BillOfMaterials | VexDocument


class Kind(StrEnum):
    """Kinds of reports that can be read."""

    TESTS = "tests"
    COVERAGE = "coverage"
    SARIF = "sarif"
    CYCLONEDX = "cyclonedx"
    OPENVEX = "openvex"


READERS: dict[Kind, Callable[[bytes], Report]] = {
    Kind.TESTS: read_tests,
    Kind.COVERAGE: read_coverage,
    Kind.SARIF: read_sarif,
    Kind.CYCLONEDX: read_cyclonedx,
    Kind.OPENVEX: read_openvex,
}
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
    "bom": Kind.CYCLONEDX,
}


def detect(data: bytes) -> Kind:
    """The kind of a report from its first 64 KiB; reading it is what proves the guess."""
    head = _head(data)
    kind: Kind | None = None
    if head.startswith("<"):
        root = _ROOT.search(_SKIPPED.sub("", head))
        kind = _BY_ROOT.get(root[2]) if root else None
    elif head.startswith("{"):
        kind = _json_kind(head)
    elif re.match(r"(TN|SF):", head):
        kind = Kind.COVERAGE
    if kind is None:
        raise ReportError("unknown_format", "The report is of no format that can be read.")
    return kind


def read_report(data: bytes, kind: Kind | None = None) -> Report:
    """Read a report of the given kind, or of the one it looks like."""
    return READERS[kind or detect(data)](data)


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


def _head(data: bytes) -> str:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) : HEAD].decode(encoding, "replace").lstrip()
    return data[:HEAD].decode("utf-8", "replace").lstrip()
