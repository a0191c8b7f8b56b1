"""Semgrep, Bandit, Checkov, KICS and tfsec (code), ZAP and Nuclei (the running service)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element  # nosec B405 - the type; parsing is defusedxml

from .errors import ReportError
from .json_node import Node, rows_of
from .scanned import ScannerReport, Weakness, rated, severity_word
from .values import clean
from .xml_tree import children, descendants, local

_HIDDEN = "requires login"


def is_semgrep(body: Any) -> bool:
    if not isinstance(body, dict) or not isinstance(body.get("results"), list):
        return False
    first = body["results"][0] if body["results"] else None
    if isinstance(first, dict):
        return "check_id" in first and "path" in first
    return "paths" in body or "skipped_rules" in body or ("errors" in body and "metrics" not in body)


def read_semgrep(body: Any) -> ScannerReport:
    top = Node(body)
    found = []
    for row in top.rows("results"):
        extra = row.object("extra")
        rule = row.required("check_id", 200)
        mark = extra.text("fingerprint", 400)
        lines = extra.text("lines", 400)
        severity = extra.text("severity")
        impact = extra.object("metadata").text("severity") if not severity else ""
        found.append(
            Weakness(
                kind="secrets" if ".secrets." in f".{rule}." else "static_analysis",
                tool="Semgrep",
                rule=rule,
                title=extra.text("message", 300) or rule,
                severity=severity_word(severity or impact),
                path=row.text("path"),
                line=row.object("start").whole("line"),
                # Semgrep's own fingerprint counts equal matches of a file; the matched lines are the next best.
                mark=next((text for text in (mark, lines) if text and text != _HIDDEN), ""),
                exempt="suppressed" if extra.get("is_ignored") is True else "",
            )
        )
    problems = [
        clean(error.text("message", 200) or error.text("type", 80) or "Semgrep reports an error.", 300)
        for error in top.rows("errors")
        if error.text("level") not in ("warn", "info")
    ]
    return ScannerReport("Semgrep JSON", "static_analysis", ("Semgrep",), tuple(found), tuple(problems))


def is_bandit(body: Any) -> bool:
    return isinstance(body, dict) and "metrics" in body and "results" in body and "generated_at" in body


def read_bandit(body: Any) -> ScannerReport:
    top = Node(body)
    found = [
        Weakness(
            kind="static_analysis",
            tool="Bandit",
            rule=row.required("test_id", 200),
            title=row.text("issue_text", 300) or row.text("test_name"),
            severity=severity_word(row.text("issue_severity")),
            path=row.text("filename"),
            line=row.whole("line_number"),
        )
        for row in top.rows("results")
    ]
    problems = tuple(f"{row.text('filename')}: {row.text('reason', 200)}" for row in top.rows("errors"))
    return ScannerReport("Bandit JSON", "static_analysis", ("Bandit",), tuple(found), problems)


def is_checkov(body: Any) -> bool:
    first = body[0] if isinstance(body, list) and body else body
    return isinstance(first, dict) and (
        "check_type" in first or ("checkov_version" in first and "failed" in first)
    )


def read_checkov(body: Any) -> ScannerReport:
    found, problems = [], []
    for part in list(rows_of(body)) if isinstance(body, list) else [Node(body)]:
        results = part.object("results")
        problems += [f"Checkov could not read {name}." for name in results.texts("parsing_errors")]
        for row in results.rows("failed_checks"):
            rule = row.required("check_id", 200)
            lines = row.get("file_line_range")
            first = lines[0] if isinstance(lines, list) and lines else None
            found.append(
                Weakness(
                    kind="static_analysis",
                    tool="Checkov",
                    rule=rule,
                    title=row.text("check_name", 300) or rule,
                    severity=severity_word(row.text("severity")),
                    path=row.text("file_path"),
                    line=first if type(first) is int and first > 0 else None,
                    mark=row.text("resource", 400),
                )
            )
    return ScannerReport("Checkov JSON", "static_analysis", ("Checkov",), tuple(found), tuple(problems))


def is_kics(body: Any) -> bool:
    return isinstance(body, dict) and "queries_total" in body and "files_scanned" in body


def read_kics(body: Any) -> ScannerReport:
    top = Node(body)
    found = [
        Weakness(
            kind="static_analysis",
            tool="KICS",
            rule=query.text("query_id", 200) or query.required("query_name", 200),
            title=query.text("query_name", 300),
            severity=severity_word(query.text("severity")),
            path=place.text("file_name"),
            line=place.whole("line"),
            mark=place.text("similarity_id", 400),
        )
        for query in top.rows("queries")
        for place in query.rows("files")
    ]
    failed = top.whole("files_failed_to_scan") or 0
    problems = (f"KICS could not scan {failed} files.",) if failed else ()
    return ScannerReport("KICS JSON", "static_analysis", ("KICS",), tuple(found), problems)


def is_tfsec(body: Any) -> bool:
    rows = body.get("results") if isinstance(body, dict) else None
    first = rows[0] if isinstance(rows, list) and rows else None
    return isinstance(first, dict) and "rule_id" in first and "rule_provider" in first


def read_tfsec(body: Any) -> ScannerReport:
    found = []
    for row in Node(body).rows("results"):
        if row.text("status") in ("passed", "ignored") or row.get("passed") is True:
            continue
        place = row.object("location")
        rule = row.text("long_id", 200) or row.required("rule_id", 200)
        found.append(
            Weakness(
                kind="static_analysis",
                tool="tfsec",
                rule=rule,
                title=row.text("description", 300) or row.text("rule_description", 300) or rule,
                severity=severity_word(row.text("severity")),
                path=place.text("filename"),
                line=place.whole("start_line"),
                # Several instances of one block (count, for_each) are one place in the code.
                mark=str(place.whole("start_line") or ""),
            )
        )
    return ScannerReport("tfsec JSON", "static_analysis", ("tfsec",), tuple(found))


_RISK = {"0": "info", "1": "low", "2": "medium", "3": "high"}


def read_zap(root: Element) -> ScannerReport:
    """ZAP's XML report: one finding per alert and site; its instances are places of the same finding."""
    found = []
    for at, site in enumerate(children(root, "site")):
        host = clean(site.get("name")) or clean(site.get("host"))
        for number, item in enumerate(descendants(site, "alertitem")):
            told = {local(part): clean(part.text, 300) for part in item}
            title = told.get("name") or told.get("alert") or ""
            if not title:
                raise ReportError("missing", f"site[{at}].alertitem[{number}] has no name.")
            rule = told.get("alertRef") or told.get("pluginid") or ""
            first = next((clean(uri.text) for uri in descendants(item, "uri")), "")
            found.append(_zap(rule, title, told.get("riskcode", ""), host, first))
    return ScannerReport("ZAP XML", "dynamic", ("ZAP",), tuple(found))


def is_zap(body: Any) -> bool:
    return (
        isinstance(body, dict)
        and isinstance(body.get("site"), list)
        and ("@version" in body or "@programName" in body)
    )


def read_zap_json(body: Any) -> ScannerReport:
    """ZAP's JSON report, which is the XML one with other brackets."""
    found = []
    for site in Node(body).rows("site"):
        host = site.text("@name") or site.text("@host")
        for row in site.rows("alerts"):
            title = row.text("name", 300) or row.required("alert", 300)
            first = next((place.text("uri") for place in row.rows("instances")), "")
            found.append(
                _zap(row.text("alertRef") or row.text("pluginid"), title, row.text("riskcode"), host, first)
            )
    return ScannerReport("ZAP JSON", "dynamic", ("ZAP",), tuple(found))


def _zap(rule: str, title: str, risk: str, host: str, uri: str) -> Weakness:
    return Weakness(
        kind="dynamic",
        tool="ZAP",
        rule=rule[:200] or title[:200],
        title=title[:300],
        severity=_RISK.get(risk, "unknown"),
        path=host or (urlsplit(uri).netloc if uri else ""),
        mark=title[:300],
    )


def is_nuclei(body: Any) -> bool:
    first = body[0] if isinstance(body, list) and body else body
    return isinstance(first, dict) and "info" in first and ("template-id" in first or "templateID" in first)


def read_nuclei(body: Any) -> ScannerReport:
    found = []
    for row in list(rows_of(body)) if isinstance(body, list) else [Node(body)]:
        info = row.object("info")
        rule = row.text("template-id", 200) or row.required("templateID", 200)
        told = info.object("classification")
        severity, score, vector = rated(
            info.text("severity"), [told.text("cvss-metrics")], [told.decimal("cvss-score")]
        )
        found.append(
            Weakness(
                kind="dynamic",
                tool="Nuclei",
                rule=rule,
                title=info.text("name", 300) or rule,
                severity=severity,
                score=score,
                vector=vector,
                path=row.text("matched-at") or row.text("matched") or row.text("host"),
                aliases=told.texts("cve-id"),
                mark=row.text("matcher-name", 200) or row.text("matcher_name", 200) or "found",
            )
        )
    return ScannerReport("Nuclei JSON", "dynamic", ("Nuclei",), tuple(found))
