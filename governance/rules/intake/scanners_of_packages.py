"""Trivy, Grype and Snyk: vulnerabilities of packages; Trivy's misconfigurations and secrets too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .errors import ReportError
from .json_node import Node, rows_of
from .packages import package_named, package_of
from .scanned import ScannerReport, Weakness, rated, severity_word

_IMAGE_TYPES = {"deb", "apk", "rpm", "linux"}


def is_trivy(body: Any) -> bool:
    if not isinstance(body, dict):
        return False
    if "SchemaVersion" in body and ("ArtifactName" in body or "Results" in body):
        return True
    if "ClusterName" in body:
        return True
    # The operator of Trivy puts each report into an object of the cluster.
    return str(body.get("apiVersion", "")).startswith("aquasecurity.github.io/")


def read_trivy(body: Any) -> ScannerReport:
    top = Node(body)
    if top.has("apiVersion"):
        return _operator(top)
    if "ClusterName" in body:
        groups = [
            row
            for key in ("Vulnerabilities", "Misconfigurations", "Resources", "Findings")
            for row in top.rows(key)
        ]
        results = [result for row in groups for result in row.rows("Results")]
        kind = "container"
    else:
        results = list(top.rows("Results"))
        kind = "container" if top.text("ArtifactType") in ("container_image", "vm") else ""
    found = [weakness for result in results for weakness in _trivy_result(result, kind or "composition")]
    kinds = {weakness.kind for weakness in found}
    classes = {result.text("Class") for result in results}
    if not kind:
        only = kinds.pop() if len(kinds) == 1 else ""
        packages = not classes or classes & {"lang-pkgs", "os-pkgs", "license"}
        kind = (
            "composition" if packages else only or ("secrets" if classes == {"secret"} else "static_analysis")
        )
    problems = (
        ()
        if top.has("ClusterName") or top.text("ArtifactName")
        else ("The report does not name what was scanned.",)
    )
    return ScannerReport("Trivy JSON", kind, ("Trivy",), tuple(found), problems)


def _trivy_result(result: Node, kind: str) -> Iterator[Weakness]:
    target = result.text("Target")
    for row in result.rows("Vulnerabilities"):
        ratings = [Node(v, row.place("CVSS")) for v in row.object("CVSS").value.values()]
        vectors = [r.text(name) for r in ratings for name in ("V40Vector", "V3Vector", "V2Vector")]
        scores = [r.decimal(name) for r in ratings for name in ("V40Score", "V3Score", "V2Score")]
        severity, score, vector = rated(row.text("Severity"), vectors, scores)
        name, version = row.required("PkgName"), row.text("InstalledVersion", 200)
        rule = row.required("VulnerabilityID", 200)
        yield Weakness(
            kind=kind,
            tool="Trivy",
            rule=rule,
            title=row.text("Title", 300) or f"{rule} in {name} {version}",
            severity=severity,
            score=score,
            vector=vector,
            path=row.text("PkgPath") or target,
            package=package_of(row.object("PkgIdentifier").text("PURL", 1000))
            or package_named(result.text("Type"), name),
            version=version,
            fixed_in=row.text("FixedVersion", 200),
            aliases=row.texts("VendorIDs"),
        )
    for row in result.rows("Misconfigurations"):
        if row.text("Status") not in ("", "FAIL", "FAILURE"):
            continue
        rule = row.required("ID", 200)
        yield Weakness(
            kind="static_analysis",
            tool="Trivy",
            rule=rule,
            title=f"{rule} {row.text('Title', 250)}".strip(),
            severity=severity_word(row.text("Severity")),
            path=target,
            line=row.object("CauseMetadata").whole("StartLine"),
            mark=row.text("Message", 400),
        )
    for row in result.rows("Secrets"):
        rule = row.required("RuleID", 200)
        yield Weakness(
            kind="secrets",
            tool="Trivy",
            rule=rule,
            title=f"{row.text('Title', 250) or rule} in {target}"[:300],
            severity=severity_word(row.text("Severity")),
            path=target,
            line=row.whole("StartLine"),
        )


def _operator(top: Node) -> ScannerReport:
    """One report of Trivy's operator."""
    sort = top.text("kind")
    report, named = top.object("report"), top.object("metadata").text("name")
    found: list[Weakness] = []
    if sort in ("VulnerabilityReport", "ClusterVulnerabilityReport"):
        kind = "container"
        for row in report.rows("vulnerabilities"):
            rule, name = row.required("vulnerabilityID", 200), row.required("resource")
            severity, score, vector = rated(row.text("severity"), (), [row.decimal("score")])
            found.append(
                Weakness(
                    kind=kind,
                    tool="Trivy",
                    rule=rule,
                    title=row.text("title", 300) or f"{rule} in {name}",
                    severity=severity,
                    score=score,
                    vector=vector,
                    path=row.text("target") or named,
                    package=package_of(row.text("packagePURL", 1000))
                    or package_named(row.text("packageType"), name),
                    version=row.text("installedVersion", 200),
                    fixed_in=row.text("fixedVersion", 200),
                )
            )
    elif sort in (
        "ConfigAuditReport",
        "ClusterConfigAuditReport",
        "RbacAssessmentReport",
        "InfraAssessmentReport",
    ):
        kind = "static_analysis"
        for row in report.rows("checks"):
            if row.get("success") is True:
                continue
            rule = row.text("checkID", 200) or "check"
            found.append(
                Weakness(
                    kind=kind,
                    tool="Trivy",
                    rule=rule,
                    title=f"{rule} {row.text('title', 250)}".strip(),
                    severity=severity_word(row.text("severity")),
                    path=named,
                    mark="; ".join(row.texts("messages", 200))[:400],
                )
            )
    elif sort == "ExposedSecretReport":
        kind = "secrets"
        for row in report.rows("secrets"):
            rule = row.required("ruleID", 200)
            found.append(
                Weakness(
                    kind=kind,
                    tool="Trivy",
                    rule=rule,
                    title=row.text("title", 300) or rule,
                    severity=severity_word(row.text("severity")),
                    path=row.text("target") or named,
                )
            )
    else:
        raise ReportError("wrong_format", f"Reports of Trivy's operator of kind {sort!r} are not read.")
    return ScannerReport("Trivy operator", kind, ("Trivy",), tuple(found))


def is_grype(body: Any) -> bool:
    return (
        isinstance(body, dict)
        and "matches" in body
        and ("descriptor" in body or "source" in body or "distro" in body)
    )


def read_grype(body: Any) -> ScannerReport:
    top = Node(body)
    kind = "container" if top.object("source").text("type") == "image" else "composition"
    found = []
    for row in top.rows("matches"):
        told, artifact = row.object("vulnerability"), row.object("artifact")
        related = list(row.rows("relatedVulnerabilities"))
        rule = told.required("id", 200)
        ratings = [rating for each in (told, *related) for rating in each.rows("cvss")]
        severity, score, vector = rated(
            told.text("severity"),
            [rating.text("vector") for rating in ratings],
            [rating.object("metrics").decimal("baseScore") for rating in ratings],
        )
        name, version = artifact.required("name"), artifact.text("version", 200)
        purl = artifact.text("purl", 1000)
        found.append(
            Weakness(
                kind=kind,
                tool="Grype",
                rule=rule,
                title=f"{rule} in {name} {version}".strip()[:300],
                severity=severity,
                score=score,
                vector=vector,
                path=next((place.text("path") for place in artifact.rows("locations")), ""),
                package=package_of(purl) or package_named(artifact.text("type"), name),
                version=version,
                fixed_in=", ".join(told.object("fix").texts("versions"))[:200],
                aliases=tuple(name for each in related if (name := each.text("id", 200))),
            )
        )
    return ScannerReport("Grype JSON", kind, ("Grype",), tuple(found))


def is_snyk(body: Any) -> bool:
    first = body[0] if isinstance(body, list) and body else body
    return (
        isinstance(first, dict)
        and isinstance(first.get("vulnerabilities"), list)
        and ("packageManager" in first or "dependencyCount" in first)
        and "bomFormat" not in first
    )


def read_snyk(body: Any) -> ScannerReport:
    projects = list(rows_of(body)) if isinstance(body, list) else [Node(body)]
    found, problems, image = [], [], False
    for project in projects:
        manager = project.text("packageManager", 80)
        image = image or manager in _IMAGE_TYPES or project.has("docker")
        if project.has("error"):
            problems.append(
                f"{project.text('displayTargetFile') or project.path}: {project.text('error', 200)}"
            )
        for row in project.rows("vulnerabilities"):
            if row.text("type") == "license":
                continue
            rule = row.required("id", 200)
            name = row.text("packageName") or row.required("moduleName")
            vectors = [row.text("CVSSv3"), row.text("CVSSv4")]
            details = [each.text("cvssV3Vector") or each.text("vector") for each in row.rows("cvssDetails")]
            severity, score, vector = rated(
                row.text("severityWithCritical") or row.text("severity"),
                [v for v in vectors if v] or details,
                [row.decimal("cvssScore")],
            )
            version = row.text("version", 200)
            identifiers = row.object("identifiers")
            found.append(
                Weakness(
                    kind="container" if manager in _IMAGE_TYPES else "composition",
                    tool="Snyk",
                    rule=rule,
                    title=row.text("title", 300) or f"{rule} in {name}",
                    severity=severity,
                    score=score,
                    vector=vector,
                    path=project.text("displayTargetFile") or project.text("path"),
                    package=package_named(row.text("packageManager") or manager, name),
                    version=version,
                    fixed_in=", ".join(row.texts("fixedIn"))[:200],
                    aliases=(*identifiers.texts("CVE"), *identifiers.texts("GHSA")),
                )
            )
    return ScannerReport(
        "Snyk JSON", "container" if image else "composition", ("Snyk",), tuple(found), tuple(problems)
    )
