"""npm audit, pip-audit, GitLab's reports and OWASP Dependency-Check."""

from __future__ import annotations

import re
from typing import Any
from xml.etree.ElementTree import Element  # nosec B405 - the type; parsing is defusedxml

from .errors import ReportError
from .json_node import Node, rows_of
from .packages import package_named, package_of
from .scanned import ScannerReport, Weakness, rated
from .values import clean
from .xml_tree import child, children, descendants

_ADVISORY = re.compile(r"GHSA(-[0-9a-z]{4}){3}")


def is_npm_audit(body: Any) -> bool:
    if not isinstance(body, dict):
        return False
    old = isinstance(body.get("advisories"), dict) and "metadata" in body
    return old or ("auditReportVersion" in body and isinstance(body.get("vulnerabilities"), dict))


def read_npm_audit(body: Any) -> ScannerReport:
    top = Node(body)
    found = _npm_6(top) if top.has("advisories") else _npm_7(top)
    return ScannerReport("npm audit JSON", "composition", ("npm audit",), tuple(found))


def _npm_6(top: Node) -> list[Weakness]:
    found = []
    advisories = top.object("advisories")
    for name, value in advisories.value.items():
        row = Node(value, advisories.place(name))
        module = row.required("module_name")
        told = row.object("cvss")
        severity, score, vector = rated(
            row.text("severity"), [told.text("vectorString")], [told.decimal("score")]
        )
        first = next(iter(row.rows("findings")), None)
        rule = row.text("github_advisory_id", 200) or f"NPM-{clean(name, 100)}"
        found.append(
            Weakness(
                kind="composition",
                tool="npm audit",
                rule=rule,
                title=row.text("title", 300) or f"{rule} in {module}",
                severity=severity,
                score=score,
                vector=vector,
                package=package_named("npm", module),
                version=first.text("version", 200) if first else "",
                fixed_in=row.text("patched_versions", 200),
                aliases=row.texts("cves"),
            )
        )
    return found


def _npm_7(top: Node) -> list[Weakness]:
    """One finding per package and advisory; a package that is only reached through another is no finding of its own."""
    found = []
    listed = top.object("vulnerabilities")
    for name, value in listed.value.items():
        package = Node(value, listed.place(name))
        for at, via in enumerate(package.list("via")):
            if isinstance(via, str):
                continue
            row = Node(via, f"{package.place('via')}[{at}]")
            told = row.object("cvss")
            severity, score, vector = rated(
                row.text("severity"), [told.text("vectorString")], [told.decimal("score")]
            )
            match = _ADVISORY.search(row.text("url"))
            rule = match[0] if match else f"NPM-{row.text('source', 100)}"
            found.append(
                Weakness(
                    kind="composition",
                    tool="npm audit",
                    rule=rule,
                    title=row.text("title", 300) or f"{rule} in {name}",
                    severity=severity,
                    score=score,
                    vector=vector,
                    package=package_named("npm", row.text("dependency") or clean(name)),
                    version=row.text("range", 200),
                )
            )
    return found


def is_pip_audit(body: Any) -> bool:
    rows = body.get("dependencies") if isinstance(body, dict) else body
    first = rows[0] if isinstance(rows, list) and rows else None
    return isinstance(first, dict) and "name" in first and ("vulns" in first or "skip_reason" in first)


def read_pip_audit(body: Any) -> ScannerReport:
    rows = Node(body).rows("dependencies") if isinstance(body, dict) else rows_of(body)
    found, problems = [], []
    for row in rows:
        if row.has("skip_reason"):
            problems.append(f"{row.text('name')} was not audited: {row.text('skip_reason', 200)}")
        for told in row.rows("vulns"):
            rule, name = told.required("id", 200), row.required("name")
            found.append(
                Weakness(
                    kind="composition",
                    tool="pip-audit",
                    rule=rule,
                    title=f"{rule} in {name} {row.text('version', 200)}"[:300],
                    severity="unknown",
                    package=package_named("pypi", name),
                    version=row.text("version", 200),
                    fixed_in=", ".join(told.texts("fix_versions"))[:200],
                    aliases=told.texts("aliases"),
                )
            )
    return ScannerReport("pip-audit JSON", "composition", ("pip-audit",), tuple(found), tuple(problems))


_GITLAB = {
    "sast": "static_analysis",
    "dependency_scanning": "composition",
    "container_scanning": "container",
    "cluster_image_scanning": "container",
    "secret_detection": "secrets",
    "dast": "dynamic",
}


def is_gitlab(body: Any) -> bool:
    return (
        isinstance(body, dict)
        and isinstance(body.get("version"), str)
        and isinstance(body.get("vulnerabilities"), list)
        and ("scan" in body or "remediations" in body or "dependency_files" in body)
    )


def read_gitlab(body: Any) -> ScannerReport:
    top = Node(body)
    scan = top.object("scan")
    listed = list(top.rows("vulnerabilities"))
    sort = scan.text("type") or next((row.text("category") for row in listed if row.has("category")), "sast")
    kind = _GITLAB.get(sort, "static_analysis")
    scanner = scan.object("scanner").text("name", 120) or (
        listed[0].object("scanner").text("name", 120) if listed else ""
    )
    tool = scanner or "GitLab"
    found = []
    for row in listed:
        place = row.object("location")
        dependency = place.object("dependency")
        name = dependency.object("package").text("name")
        identifiers = list(row.rows("identifiers"))
        names = tuple(
            value for each in identifiers if (value := each.text("value", 200) or each.text("name", 200))
        )
        rule = names[0] if names else row.text("name", 200) or row.text("message", 200)
        if not rule:
            raise ReportError("missing", f"{row.path} has neither an identifier nor a name.")
        system = place.text("operating_system")
        found.append(
            Weakness(
                kind=kind,
                tool=tool,
                rule=rule,
                title=row.text("name", 300)
                or row.text("message", 300)
                or row.text("description", 300)
                or rule,
                severity=rated(row.text("severity"), ())[0],
                path=place.text("file") or place.text("image") or place.text("hostname"),
                line=place.whole("start_line"),
                package=package_named(system, name) if name else "",
                version=dependency.text("version", 200),
                aliases=names[1:],
                mark="" if name else row.text("cve", 400) or row.text("id", 200),
            )
        )
    status = scan.text("status")
    problems = () if status in ("", "success") else (f"{tool} says that the scan ended with {status}.",)
    return ScannerReport("GitLab JSON", kind, (tool,), tuple(found), problems)


def read_dependency_check(root: Element) -> ScannerReport:
    found = []
    holder = child(root, "dependencies")
    for dependency in children(holder, "dependency") if holder is not None else []:
        identifiers = child(dependency, "identifiers")
        purl = next(
            (
                clean(e.text, 1000)
                for e in (descendants(identifiers, "id") if identifiers is not None else [])
                if (e.text or "").startswith("pkg:")
            ),
            "",
        )
        file = clean(_text(dependency, "fileName"))
        rows = child(dependency, "vulnerabilities")
        for row in children(rows, "vulnerability") if rows is not None else []:
            rule = clean(_text(row, "name"), 200)
            if not rule:
                raise ReportError("missing", f"A vulnerability of {file} has no name.")
            version, vector = clean(purl.rpartition("@")[2], 200) if "@" in purl else "", _vector(row)
            severity, score, vector = rated(clean(_text(row, "severity"), 40), [vector])
            found.append(
                Weakness(
                    kind="composition",
                    tool="Dependency-Check",
                    rule=rule,
                    title=f"{rule} in {file}"[:300],
                    severity=severity,
                    score=score,
                    vector=vector,
                    path=file,
                    package=package_of(purl) or file.lower(),
                    version=version,
                )
            )
    return ScannerReport("Dependency-Check XML", "composition", ("Dependency-Check",), tuple(found))


_METRICS = (
    ("AV", "attackVector"),
    ("AC", "attackComplexity"),
    ("PR", "privilegesRequired"),
    ("UI", "userInteraction"),
    ("S", "scope"),
    ("C", "confidentialityImpact"),
    ("I", "integrityImpact"),
    ("A", "availabilityImpact"),
)


def _vector(row: Element) -> str:
    """The CVSS 3 vector, which the report spells out metric by metric."""
    told = child(row, "cvssV3")
    if told is None:
        return ""
    letters = [(short, _text(told, name)[:1].upper()) for short, name in _METRICS]
    return (
        "CVSS:3.1/" + "/".join(f"{short}:{letter}" for short, letter in letters)
        if all(v for _, v in letters)
        else ""
    )


def _text(element: Element, name: str) -> str:
    found = child(element, name)
    return (found.text or "").strip() if found is not None else ""
