"""Findings of any other tool, as CSV or JSON.

CSV has a header: title (or name, rule) and severity are needed; rule, tool, kind, description, file (or path), line, url,
package (or component), version, fixed_in (or fix_version), cve, cvss (a score or a vector) and fingerprint may be there.
JSON is {"findings": [...]} or a list, with the same names.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from .errors import ReportError
from .json_node import Node, rows_of
from .packages import package_of
from .scanned import ScannerReport, Weakness, rated
from .values import clean

MAX_ROWS = 200_000
_NAMES = {
    "title": ("title", "name", "rule", "summary"),
    "rule": ("rule", "rule_id", "ruleid", "id", "vuln_id_from_tool", "check"),
    "severity": ("severity", "level", "risk"),
    "tool": ("tool", "scanner"),
    "kind": ("kind", "type"),
    "path": ("file", "path", "file_path", "filepath", "url", "location", "host"),
    "line": ("line", "line_number", "start_line"),
    "package": ("package", "purl", "component", "component_name"),
    "version": ("version", "component_version", "installed_version"),
    "fixed_in": ("fixed_in", "fix_version", "fixed_version"),
    "cve": ("cve", "cve_id", "cves", "vulnerability_id"),
    "cvss": ("cvss", "cvssv3", "cvssv3_score", "cvss_score", "cvssv4", "cvss_vector"),
    "mark": ("fingerprint", "unique_id_from_tool"),
    "false": ("falsepositive", "false_positive"),
}
_KINDS = ("static_analysis", "composition", "secrets", "container", "dynamic")


def looks_like_csv(head: str) -> bool:
    """Whether the first line is a header with a title and a severity."""
    line = head.splitlines()[0] if head else ""
    names = {name.strip().strip('"').lower() for name in line.replace(";", ",").replace("\t", ",").split(",")}
    return bool(names & set(_NAMES["severity"])) and bool(names & set(_NAMES["title"]))


def read_generic_csv(data: bytes) -> ScannerReport:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ReportError("encoding", "The file is no UTF-8.", line) from error
    if "\x00" in text:
        raise ReportError("encoding", "The file has a NUL.", text[: text.index("\x00")].count("\n") + 1)
    head = text.splitlines()[0] if text.strip() else ""
    delimiter = max(",;\t", key=head.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names: list[str] = []
    found: list[Weakness] = []
    try:
        for row in rows:
            if not names:
                names = [name.strip().lower() for name in row]
                twice = next((name for name in names if name and names.count(name) > 1), "")
                if twice:
                    raise ReportError("duplicate_key", f"The column {clean(twice, 60)!r} is there twice.", 1)
                continue
            if not any(cell.strip() for cell in row):
                continue
            if len(row) > len(names):
                raise ReportError(
                    "wrong_format", f"The row has {len(row)} cells, the header {len(names)}.", rows.line_num
                )
            if len(found) >= MAX_ROWS:
                raise ReportError("too_many", f"The file has more than {MAX_ROWS} findings.")
            given = {name: cell for name, cell in zip(names, row, strict=False) if name}
            found.append(_weakness(given, rows.line_num))
    except csv.Error as error:
        raise ReportError("not_csv", f"The file is no CSV: {error}.", rows.line_num) from error
    return _report("CSV", found)


def is_generic(body: Any) -> bool:
    rows = body.get("findings") if isinstance(body, dict) else body
    if not isinstance(rows, list):
        return False
    if not rows:
        return isinstance(body, dict)
    names = {str(name).lower() for name in rows[0]} if isinstance(rows[0], dict) else set()
    return bool(names & set(_NAMES["severity"])) and bool(names & set(_NAMES["title"]))


def read_generic_json(body: Any) -> ScannerReport:
    tool = ""
    if isinstance(body, dict):
        told = body.get("tool") or body.get("name") or body.get("type")
        tool = clean(told, 120) if isinstance(told, str) else ""
    rows = rows_of(body, "") if isinstance(body, list) else Node(body).rows("findings")
    found = []
    for row in rows:
        given = {key.lower(): _said(row, key) for key in row.value}
        found.append(_weakness(given, None, row.path, tool))
    return _report("JSON", found, tool)


def _said(row: Node, key: str) -> str:
    value = row.get(key)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(clean(each, 100) for each in value if isinstance(each, str))
    return "" if isinstance(value, dict) else row.text(key, 1000)


def _weakness(given: dict[str, str], line: int | None, where: str = "", tool: str = "") -> Weakness:
    def said(what: str, limit: int = 500) -> str:
        return next((clean(given[name], limit) for name in _NAMES[what] if given.get(name, "").strip()), "")

    title, word = said("title", 300), said("severity", 40)
    if not title:
        raise ReportError("missing", f"{where or 'A finding'} has no title.", line)
    kind = said("kind", 40).lower().replace(" ", "_") or "static_analysis"
    number, vector = _number(said("cvss", 200))
    severity, score, vector = rated(word, [vector], [number])
    if word and severity == "unknown" and word.lower() != "unknown":
        raise ReportError("bad_value", f"{where or 'A finding'} has the severity {word!r}.", line)
    package = said("package", 500)
    names = tuple(name.strip() for name in said("cve", 400).replace(";", ",").split(",") if name.strip())
    at = said("line", 12)
    return Weakness(
        kind=kind if kind in _KINDS else "composition" if package else "static_analysis",
        tool=said("tool", 120) or tool or "generic",
        rule=said("rule", 200) or (names[0] if names else ""),
        title=title,
        severity=severity,
        score=score,
        vector=vector,
        path=said("path"),
        line=int(at) if at.isascii() and at.isdigit() and len(at) < 10 else None,
        package=package_of(package) or package.lower(),
        version=said("version", 200),
        fixed_in=said("fixed_in", 200),
        aliases=names,
        mark=said("mark", 400),
        exempt="false_positive" if said("false", 8).lower() in ("true", "yes", "1") else "",
    )


def _number(text: str) -> tuple[Decimal | None, str]:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None, text
    return (number if number.is_finite() and 0 <= number <= 10 else None), ""


def _report(format: str, found: Iterable[Weakness], tool: str = "") -> ScannerReport:
    listed = tuple(found)
    kinds = {weakness.kind for weakness in listed}
    tools = tuple(sorted({weakness.tool for weakness in listed})) or (tool or "generic",)
    return ScannerReport(
        f"generic {format}", kinds.pop() if len(kinds) == 1 else "static_analysis", tools, listed
    )
